-- flavor: mysql56
-- options: --gtid-mode=OFF --enforce-gtid-consistency=OFF --binlog-rows-query-log-events=ON
-- Nothing but BEGIN shows where a transaction begins; a statement outside is one of its own.
CREATE DATABASE shop;
USE shop;
CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20));
CREATE TABLE m (id INT PRIMARY KEY) ENGINE=MyISAM;
INSERT INTO t VALUES (1, 'one');
BEGIN; INSERT INTO t VALUES (2, 'two'); SAVEPOINT s; INSERT INTO t VALUES (3, 'three'); ROLLBACK TO s; UPDATE t SET v = 'zwei' WHERE id = 2; COMMIT;
BEGIN; INSERT INTO t VALUES (4, 'four'); INSERT INTO m VALUES (4); ROLLBACK;
CREATE TABLE s SELECT * FROM t;
CREATE TEMPORARY TABLE tmp (a INT); DROP TEMPORARY TABLE tmp;
SET @b = 5;
CREATE TABLE c AS SELECT @b AS b;
SET binlog_format = STATEMENT;
CREATE TABLE d AS SELECT @b AS b, RAND() AS r;
INSERT INTO m VALUES (@b);
BEGIN; INSERT INTO t VALUES (6, 'six'); INSERT INTO m VALUES (6); ROLLBACK;
SET binlog_format = ROW;
TRUNCATE TABLE s;
DROP TABLE s, m;
