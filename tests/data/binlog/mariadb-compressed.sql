-- flavor: mariadb
-- options: --log-bin-compress=ON --log-bin-compress-min-len=10 --binlog-checksum=NONE
-- dump: whole file=binlog.000001 pos=4 flags=1
CREATE DATABASE packed;
USE packed;
CREATE TABLE t (id INT PRIMARY KEY, v TEXT);
INSERT INTO t VALUES (1, REPEAT('abc', 300));
UPDATE t SET v = REPEAT('xyz', 400);
DELETE FROM t;
