-- MySQL 5.6: no metadata in the table map, utf8 of three bytes.
SET time_zone = '+00:00', sql_mode = '';
CREATE TABLE types56 (id INT PRIMARY KEY, tu TINYINT UNSIGNED, b BIGINT UNSIGNED, d DECIMAL(20, 5), f FLOAT, c CHAR(10) CHARACTER SET utf8, v VARCHAR(300) CHARACTER SET utf8, l CHAR(10) CHARACTER SET latin1, bi BINARY(5), t TEXT CHARACTER SET utf8, bl BLOB,
  e ENUM('a', 'é') CHARACTER SET utf8, s SET('x', 'y', 'ж') CHARACTER SET utf8, y YEAR, da DATE, ti TIME(3), dt DATETIME(6), ts TIMESTAMP(1) NULL, bt BIT(10), g GEOMETRY, k VARCHAR(20) CHARACTER SET gbk);
INSERT INTO types56 VALUES (1, 255, 18446744073709551615, -12345.678, 1.5, 'é', 'text', 'é ', 'b', 'текст', x'00FF', 'é', 'x,ж', 2015, '2015-05-05', '-10:11:12.345', '2015-05-05 01:02:03.000004', '2015-05-05 01:02:03.4', b'1000000001', GeomFromText('POINT(1 2)', 4326), '汉字'),
  (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (3, 0, 0, 0, 0, '', '', '', '', '', '', 'a', '', 0, 0, 0, 0, 0, 0, NULL, '');
UPDATE types56 SET v = 'changed' WHERE id = 1;
DELETE FROM types56 WHERE id = 2;
CREATE TABLE wide (id INT PRIMARY KEY, u2 CHAR(5) CHARACTER SET ucs2, u16 CHAR(5) CHARACTER SET utf16, l16 CHAR(5) CHARACTER SET utf16le, u32 CHAR(5) CHARACTER SET utf32, u8 CHAR(5) CHARACTER SET utf8mb4, u3 CHAR(5) CHARACTER SET utf8, l CHAR(5) CHARACTER SET latin1, k CHAR(5) CHARACTER SET gbk, s CHAR(5) CHARACTER SET sjis);
INSERT INTO wide VALUES (1, 'ab', 'ab', 'ab', 'ab', 'ab', 'ab', 'ab', 'ab', 'ab'), (2, 'a b  ', 'a b  ', 'a b  ', 'a b  ', 'a b  ', 'a b  ', 'a b  ', 'a b  ', 'a b  '),
  (3, '', '', '', '', '', '', '', '', ''), (4, '漢字†', '漢字†', '漢字†', '漢字†', '漢字†', '漢字†', 'é†', '漢字', '漢字'), (5, '     ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' '), (6, 'Ġ ', 'Ġ ', 'Ġ ', 'Ġ ', 'Ġ ', 'Ġ ', 'x ', 'x ', 'x ');
SET binlog_row_image = MINIMAL;
UPDATE types56 SET d = 5 WHERE id = 1;
