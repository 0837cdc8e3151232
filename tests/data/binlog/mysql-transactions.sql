-- flavor: mysql
-- options: --binlog-rows-query-log-events=ON
-- dump: middle file=binlog.000001 pos=4280 flags=1
-- dump: gtids gtids=SERVER:1-20 flags=1
-- dump: heartbeat file=binlog.000002 pos=4 flags=0
-- dump: heartbeat2 file=binlog.000002 pos=4 flags=2
-- Every way in which a transaction of MySQL 9.7 begins and ends.
CREATE DATABASE shop;
USE shop;
CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20));
CREATE TABLE m (id INT PRIMARY KEY) ENGINE=MyISAM;
INSERT INTO t VALUES (1, 'one');
BEGIN; INSERT INTO t VALUES (2, 'two'); SAVEPOINT s; INSERT INTO t VALUES (3, 'three'); ROLLBACK TO s; UPDATE t SET v = 'zwei' WHERE id = 2; COMMIT;
INSERT INTO m VALUES (4);
CREATE TABLE s SELECT * FROM t;
SET gtid_next = 'AUTOMATIC:tag'; INSERT INTO t VALUES (5, 'five'); SET gtid_next = 'AUTOMATIC';
-- an empty transaction
SET gtid_next = 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa:7'; BEGIN; COMMIT; SET gtid_next = 'AUTOMATIC';
-- as applied from another server an hour ago
SET original_commit_timestamp = 1700000000123456; INSERT INTO t VALUES (6, 'six'); SET original_commit_timestamp = DEFAULT;
SET timestamp = 1000000000; INSERT INTO t VALUES (7, 'seven'); SET timestamp = DEFAULT;
XA START 'a'; INSERT INTO t VALUES (8, 'eight'); XA END 'a'; XA COMMIT 'a' ONE PHASE;
XA START 'gtrid', 'bqual', 7; INSERT INTO t VALUES (9, 'nine'); XA END 'gtrid', 'bqual', 7; XA PREPARE 'gtrid', 'bqual', 7; XA COMMIT 'gtrid', 'bqual', 7;
XA START X'00FF'; INSERT INTO t VALUES (10, 'ten'); XA END X'00FF'; XA PREPARE X'00FF'; XA ROLLBACK X'00FF';
SET binlog_transaction_compression = ON; BEGIN; INSERT INTO t VALUES (11, REPEAT('a', 20)); DELETE FROM t WHERE id = 1; COMMIT;
XA START 'z'; INSERT INTO t VALUES (12, REPEAT('z', 20)); XA END 'z'; XA PREPARE 'z'; XA COMMIT 'z'; SET binlog_transaction_compression = OFF;
SET binlog_format = STATEMENT; SET @a = 13; INSERT INTO t VALUES (@a, 'statement'); INSERT INTO m VALUES (@a + RAND() * 0); SET binlog_format = ROW;
ALTER TABLE t ADD COLUMN w INT DEFAULT 0;
RENAME TABLE s TO s2;
DROP TABLE s2, m;
CREATE USER u@localhost;
FLUSH BINARY LOGS;
INSERT INTO t VALUES (20, 'twenty', 1);
DROP DATABASE shop;
