-- flavor: mariadb
-- options: --log-bin-compress=ON --log-bin-compress-min-len=10 --binlog-checksum=NONE
CREATE DATABASE packed;
USE packed;
CREATE TABLE t (id INT PRIMARY KEY, v TEXT);
INSERT INTO t VALUES (1, REPEAT('abc', 300));
UPDATE t SET v = REPEAT('xyz', 400);
DELETE FROM t;
