-- flavor: mariadb
-- options: --binlog-annotate-row-events=ON
-- dump: middle file=binlog.000001 pos=2316 flags=1
-- dump: heartbeat file=binlog.000002 pos=4 flags=0
CREATE DATABASE shop;
USE shop;
CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20));
CREATE TABLE m (id INT PRIMARY KEY) ENGINE=MyISAM;
INSERT INTO t VALUES (1, 'one');
BEGIN; INSERT INTO t VALUES (2, 'two'); SAVEPOINT s; INSERT INTO t VALUES (3, 'three'); ROLLBACK TO s; UPDATE t SET v = 'zwei' WHERE id = 2; COMMIT;
BEGIN; INSERT INTO t VALUES (4, 'four'); INSERT INTO m VALUES (4); ROLLBACK;
INSERT INTO m VALUES (5);
CREATE TABLE s SELECT * FROM t;
XA START 'a'; INSERT INTO t VALUES (8, 'eight'); XA END 'a'; XA COMMIT 'a' ONE PHASE;
XA START 'gtrid', 'bqual', 7; INSERT INTO t VALUES (9, 'nine'); XA END 'gtrid', 'bqual', 7; XA PREPARE 'gtrid', 'bqual', 7; XA COMMIT 'gtrid', 'bqual', 7;
XA START X'00FF'; INSERT INTO t VALUES (10, 'ten'); XA END X'00FF'; XA PREPARE X'00FF'; XA ROLLBACK X'00FF';
SET gtid_domain_id = 3; INSERT INTO t VALUES (11, 'eleven'); SET gtid_domain_id = 0;
SET binlog_format = STATEMENT; SET @a = 13; INSERT INTO t VALUES (@a, 'statement'); INSERT INTO m VALUES (@a + RAND() * 0); SET binlog_format = ROW;
CREATE TEMPORARY TABLE tmp (a INT); DROP TEMPORARY TABLE tmp;
CREATE SEQUENCE q; SELECT NEXTVAL(q);
ALTER TABLE t ADD COLUMN w INT DEFAULT 0;
SET SESSION binlog_alter_two_phase = ON; ALTER TABLE t ADD COLUMN x INT DEFAULT 0; SET SESSION binlog_alter_two_phase = OFF;
RENAME TABLE s TO s2;
DROP TABLE s2, m;
FLUSH BINARY LOGS;
INSERT INTO t VALUES (20, 'twenty', 1, 2);
DROP DATABASE shop;
