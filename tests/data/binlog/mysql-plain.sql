-- flavor: mysql
-- options: --binlog-checksum=NONE --gtid-mode=OFF --enforce-gtid-consistency=OFF
-- No checksums, no GTIDs: anonymous transactions.
CREATE DATABASE plain;
USE plain;
CREATE TABLE t (id INT PRIMARY KEY);
INSERT INTO t VALUES (1), (2);
BEGIN; UPDATE t SET id = id + 10; DELETE FROM t WHERE id = 11; COMMIT;
-- a transaction whose changes to a table without transactions cannot be undone
CREATE TABLE m (id INT PRIMARY KEY) ENGINE=MyISAM;
SET binlog_format = STATEMENT; BEGIN; INSERT INTO t VALUES (4); INSERT INTO m VALUES (4); ROLLBACK; SET binlog_format = ROW;
CREATE TEMPORARY TABLE tmp (a INT);
INSERT INTO tmp VALUES (1);
DROP TEMPORARY TABLE tmp;
DROP TABLE t;
