-- flavor: mysql
-- options: --binlog-transaction-compression=ON
-- A payload that is larger than the buffers of whoever reads it, and small ones.
CREATE DATABASE packed;
USE packed;
CREATE TABLE t (id INT PRIMARY KEY, v LONGTEXT);
INSERT INTO t VALUES (1, REPEAT('abc', 10));
BEGIN; INSERT INTO t VALUES (2, REPEAT('0123456789', 40000)); INSERT INTO t WITH RECURSIVE n AS (SELECT 3 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 900) SELECT i, REPEAT(CHAR(97 + i % 26), 500) FROM n; UPDATE t SET v = 'x' WHERE id < 100; COMMIT;
BEGIN; INSERT INTO t VALUES (1000, ''); COMMIT;
