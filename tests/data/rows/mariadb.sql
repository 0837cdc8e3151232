-- What only MariaDB has: UUID, INET4, INET6, COMPRESSED columns, and the temporals of before MySQL 5.6.
SET GLOBAL mysql56_temporal_format = ON;
CREATE TABLE addresses (id INT PRIMARY KEY, u UUID, i6 INET6, i4 INET4, b BINARY(16));
INSERT INTO addresses VALUES (1, '123e4567-e89b-12d3-a456-426655440000', '2001:db8::ff00:42:8329', '1.2.3.0', 'sixteen'), (2, '00000000-0000-0000-0000-000000000000', '::', '0.0.0.0', ''),
  (3, 'ffffffff-ffff-1fff-8fff-0000000000ff', '::ffff:192.0.2.128', '255.255.255.255', REPEAT(x'FF', 16)), (4, '01234567-89ab-7def-8123-456789abcdef', '::1.2.3.4', '1.0.0.0', NULL), (5, NULL, '1:0:0:2:0:0:0:3', NULL, NULL),
  (6, NULL, '::1', NULL, NULL), (7, NULL, '1:2:3:4:5:6:7::', NULL, NULL), (8, NULL, '1:0:2:3:4:5:6:7', NULL, NULL), (9, NULL, '::2:3', NULL, NULL), (10, NULL, '::ffff:0:102:304', NULL, NULL), (11, NULL, '::1:0', NULL, NULL), (12, NULL, '::abcd', NULL, NULL),
  (13, NULL, '1:0:0:2:0:0:3:4', NULL, NULL), (14, NULL, '0:1:2:3:4:5:6:7', NULL, NULL), (15, NULL, 'fe80:0:0:0:1:0:0:0', NULL, NULL), (16, NULL, '1::', NULL, NULL), (17, NULL, '0:0:1::', NULL, NULL), (18, NULL, '123:45:6:789a:bcde:f0:1:fff', NULL, NULL);
CREATE TABLE compressed (id INT PRIMARY KEY, v1 VARCHAR(20) COMPRESSED CHARACTER SET utf8mb4, v2 VARCHAR(300) COMPRESSED CHARACTER SET latin1, v3 VARCHAR(255) COMPRESSED CHARACTER SET latin1, v4 VARCHAR(254) COMPRESSED CHARACTER SET latin1, t TEXT COMPRESSED CHARACTER SET utf8mb4, b BLOB COMPRESSED, lb LONGBLOB COMPRESSED, vb VARBINARY(255) COMPRESSED);
INSERT INTO compressed VALUES (1, 'short', REPEAT('ab', 150), REPEAT('c', 255), REPEAT('d', 254), REPEAT('é', 500), REPEAT(x'00FF', 500), REPEAT('long', 20000), REPEAT('x', 255)), (2, '', '', '', '', '', '', '', ''), (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (4, '€', 'é', 'x', 'y', 't', 'b', 'l', 'v');
UPDATE compressed SET t = REPEAT('u', 300) WHERE id = 4;
CREATE TABLE wide (id INT PRIMARY KEY, u2 CHAR(5) CHARACTER SET ucs2, u16 CHAR(5) CHARACTER SET utf16, l16 CHAR(5) CHARACTER SET utf16le, u32 CHAR(5) CHARACTER SET utf32, u8 CHAR(5) CHARACTER SET utf8mb4, u3 CHAR(5) CHARACTER SET utf8, l CHAR(5) CHARACTER SET latin1, k CHAR(5) CHARACTER SET gbk, s CHAR(5) CHARACTER SET sjis);
INSERT INTO wide VALUES (1, 'ab', 'ab', 'ab', 'ab', 'ab', 'ab', 'ab', 'ab', 'ab'), (2, 'a b  ', 'a b  ', 'a b  ', 'a b  ', 'a b  ', 'a b  ', 'a b  ', 'a b  ', 'a b  '),
  (3, '', '', '', '', '', '', '', '', ''), (4, '漢字†', '漢字†', '漢字†', '漢字†', '漢字†', '漢字†', 'é†', '漢字', '漢字'), (5, '     ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' '), (6, 'Ġ ', 'Ġ ', 'Ġ ', 'Ġ ', 'Ġ ', 'Ġ ', 'x ', 'x ', 'x ');
SET GLOBAL log_bin_compress = ON, log_bin_compress_min_len = 10;
CREATE TABLE events (id INT PRIMARY KEY, t TEXT, j JSON);
INSERT INTO events VALUES (1, REPEAT('compressed event ', 30), '{"a":  1}'), (2, REPEAT('x', 300), NULL);
UPDATE events SET t = REPEAT('y', 300);
DELETE FROM events WHERE id = 1;
SET GLOBAL log_bin_compress = OFF;
