-- flavor: mysql56
-- options: --explicit-defaults-for-timestamp
-- dump: middle file=binlog.000001 pos=1383 flags=1
-- dump: heartbeat file=binlog.000001 pos=4 flags=0
CREATE DATABASE shop;
USE shop;
CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20), d DECIMAL(10,2) UNSIGNED, e ENUM('a','b'), ts TIMESTAMP(3) NULL);
CREATE TABLE m (id INT PRIMARY KEY) ENGINE=MyISAM;
INSERT INTO t (id, v) VALUES (1, 'one');
BEGIN; INSERT INTO t (id) VALUES (2); SAVEPOINT s; INSERT INTO t (id) VALUES (3); ROLLBACK TO s; UPDATE t SET v = 'zwei' WHERE id = 2; COMMIT;
INSERT INTO m VALUES (4);
SET gtid_next = 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa:7'; BEGIN; COMMIT; SET gtid_next = 'AUTOMATIC';
XA START 'a'; INSERT INTO t (id) VALUES (8); XA END 'a'; XA PREPARE 'a'; XA COMMIT 'a';
SET binlog_format = STATEMENT; SET @a = 13; INSERT INTO t (id) VALUES (@a); SET binlog_format = ROW;
ALTER TABLE t ADD COLUMN w INT DEFAULT 0;
DROP TABLE m;
