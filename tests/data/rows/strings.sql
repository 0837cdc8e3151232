-- Text and bytes: length prefixes of one and two bytes, padding, trailing blanks, every character set, ENUM and SET.
SET sql_mode = '';
CREATE TABLE strings (id INT PRIMARY KEY, c1 CHAR(10), c2 CHAR(255), v1 VARCHAR(10), v2 VARCHAR(63), v3 VARCHAR(64), v4 VARCHAR(300),
  t1 TINYTEXT, t2 TEXT, t3 MEDIUMTEXT, t4 LONGTEXT, b1 BINARY(5), b2 BINARY(255), vb1 VARBINARY(255), vb2 VARBINARY(256),
  bl1 TINYBLOB, bl2 BLOB, bl3 MEDIUMBLOB, bl4 LONGBLOB, c0 CHAR(0), b0 BINARY(0), l CHAR(255) CHARACTER SET latin1);
INSERT INTO strings VALUES
  (1, 'ab', 'long', 'ab', 'ab', 'ab', 'ab', 'ab', 'ab', 'ab', 'ab', 'ab', 'ab', 'ab', 'ab', 'ab', 'ab', 'ab', 'ab', '', '', 'x'),
  (2, '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', ''),
  (3, 'a b  ', ' lead', 'trail  ', '  ', 'x ', REPEAT('y', 300), 'end ', 'end ', 'end ', 'end ', x'0001000000', x'00', x'6100', x'00', x'00', x'00', x'0000', x'FF', NULL, NULL, REPEAT('é', 255)),
  (4, REPEAT('😀', 10), REPEAT('€', 255), REPEAT('é', 10), REPEAT('€', 63), REPEAT('😀', 64), REPEAT('é', 300), REPEAT('é', 127), REPEAT('ж', 3000), 'ß', '漢字',
    x'FFFEFDFCFB', REPEAT(x'80', 255), REPEAT(x'C3', 255), REPEAT('b', 256), REPEAT(x'FF', 255), REPEAT('q', 2000), 'm', 'l', '', '', 'ÿ'),
  (5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (6, 'nul\0in', 'tab\t', 'quote"', 'back\\slash', 'new\nline', '\Z', '\b', '\r', ' ', '  ', '     ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', '', '', '  x  ');
CREATE TABLE charsets (id INT PRIMARY KEY, armscii8 VARCHAR(20) CHARACTER SET armscii8, ascii VARCHAR(20) CHARACTER SET ascii, big5 VARCHAR(20) CHARACTER SET big5,
  cp1250 CHAR(20) CHARACTER SET cp1250, cp1251 VARCHAR(20) CHARACTER SET cp1251, cp1256 VARCHAR(20) CHARACTER SET cp1256, cp1257 VARCHAR(20) CHARACTER SET cp1257,
  cp850 VARCHAR(20) CHARACTER SET cp850, cp852 VARCHAR(20) CHARACTER SET cp852, cp866 VARCHAR(20) CHARACTER SET cp866, cp932 CHAR(20) CHARACTER SET cp932,
  dec8 VARCHAR(20) CHARACTER SET dec8, eucjpms CHAR(20) CHARACTER SET eucjpms, euckr VARCHAR(20) CHARACTER SET euckr, gb18030 CHAR(20) CHARACTER SET gb18030,
  gb2312 VARCHAR(20) CHARACTER SET gb2312, gbk CHAR(20) CHARACTER SET gbk, geostd8 VARCHAR(20) CHARACTER SET geostd8, greek VARCHAR(20) CHARACTER SET greek,
  hebrew VARCHAR(20) CHARACTER SET hebrew, hp8 VARCHAR(20) CHARACTER SET hp8, keybcs2 VARCHAR(20) CHARACTER SET keybcs2, koi8r VARCHAR(20) CHARACTER SET koi8r,
  koi8u VARCHAR(20) CHARACTER SET koi8u, latin1 CHAR(20) CHARACTER SET latin1, latin2 VARCHAR(20) CHARACTER SET latin2, latin5 VARCHAR(20) CHARACTER SET latin5,
  latin7 VARCHAR(20) CHARACTER SET latin7, macce VARCHAR(20) CHARACTER SET macce, macroman TEXT CHARACTER SET macroman, sjis CHAR(20) CHARACTER SET sjis,
  swe7 VARCHAR(20) CHARACTER SET swe7, tis620 VARCHAR(20) CHARACTER SET tis620, ucs2 CHAR(20) CHARACTER SET ucs2, ujis TEXT CHARACTER SET ujis,
  utf16 CHAR(20) CHARACTER SET utf16, utf16le VARCHAR(20) CHARACTER SET utf16le, utf32 CHAR(20) CHARACTER SET utf32, utf8mb3 CHAR(20) CHARACTER SET utf8mb3,
  utf8mb4 CHAR(20) CHARACTER SET utf8mb4, utf8b VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin);
INSERT INTO charsets VALUES (1, 'Հայ', 'ascii', '漢字 一', 'žluť', 'Привет', 'سلام', 'ąčę', 'é½', 'źćł', 'Привет', 'ｱ漢字①', 'é', '日本語①', '한국어 뷁', '汉字€', '汉字', '漢字 汉', 'საქ', 'Ελλ', 'שלום', 'é', 'žš',
  'Привет', 'Їґ', 'é€ž', 'łó', 'ğış', 'ąč', 'žš', 'é∞', 'ｱ漢字 ', 'åäö', 'ไทย', '漢字é ', '日本語', '😀é ', '😀é', '😀é ', '漢字 ', '😀 ', '😀 ');
INSERT INTO charsets (id, ascii, latin1, gbk, sjis, utf16, ucs2, utf32) VALUES (2, ' a ', ' b ', ' c ', ' d ', ' e ', ' f ', ' g '), (3, '', '', '', '', '', '', ''), (4, '~\\', '\\', '\\~', '\\~', '\\', '\\', '\\');
INSERT INTO charsets (id, latin1) VALUES (5, _latin1 x'80818D8F909D9FFF');
CREATE TABLE choices (id INT PRIMARY KEY, e ENUM('a', 'b,c', '', 'é', '😀', 'with ''quote'), s SET('x', 'y', 'z', 'é'), l ENUM('ö', 'ü') CHARACTER SET latin1,
  g SET('汉', '字') CHARACTER SET gbk, u ENUM('一', '二') CHARACTER SET utf16, s64 SET('m1','m2','m3','m4','m5','m6','m7','m8','m9','m10','m11','m12','m13','m14','m15','m16','m17','m18','m19','m20','m21','m22','m23','m24','m25','m26','m27','m28','m29','m30','m31','m32','m33','m34','m35','m36','m37','m38','m39','m40','m41','m42','m43','m44','m45','m46','m47','m48','m49','m50','m51','m52','m53','m54','m55','m56','m57','m58','m59','m60','m61','m62','m63','m64'),
  s9 SET('1','2','3','4','5','6','7','8','9'), s17 SET('1','2','3','4','5','6','7','8','9','10','11','12','13','14','15','16','17'), s33 SET('1','2','3','4','5','6','7','8','9','10','11','12','13','14','15','16','17','18','19','20','21','22','23','24','25','26','27','28','29','30','31','32','33'));
INSERT INTO choices VALUES (1, 'a', 'x', 'ö', '汉', '一', 'm1', '1', '1', '1'), (2, 'b,c', 'x,z', 'ü', '汉,字', '二', 'm64,m1,m33', '1,9', '1,17', '1,33'), (3, '', '', NULL, '', NULL, '', '', '', ''),
  (4, 'é', 'é,x,y,z', 1, 3, 2, 18446744073709551615, 511, 131071, 8589934591), (5, 'not there', 'x', NULL, NULL, NULL, NULL, NULL, NULL, NULL), (6, '😀', NULL, NULL, NULL, NULL, 9223372036854775808, NULL, NULL, NULL), (7, 'with ''quote', 'é', 1, 1, 1, 'm32', 256, 65536, 4294967296);
SET group_concat_max_len = 100000, cte_max_recursion_depth = 1000;
SELECT CONCAT('CREATE TABLE many (id INT PRIMARY KEY, e ENUM(', GROUP_CONCAT(QUOTE(CONCAT('label', i)) ORDER BY i), '))') INTO @sql FROM (WITH RECURSIVE n AS (SELECT 1 i UNION ALL SELECT i + 1 FROM n WHERE i < 300) SELECT i FROM n) x;
PREPARE s FROM @sql; EXECUTE s;
INSERT INTO many VALUES (1, 1), (2, 255), (3, 256), (4, 300), (5, NULL);
CREATE TABLE wide (id INT PRIMARY KEY, u2 CHAR(5) CHARACTER SET ucs2, u16 CHAR(5) CHARACTER SET utf16, l16 CHAR(5) CHARACTER SET utf16le, u32 CHAR(5) CHARACTER SET utf32, u8 CHAR(5) CHARACTER SET utf8mb4, u3 CHAR(5) CHARACTER SET utf8, l CHAR(5) CHARACTER SET latin1, k CHAR(5) CHARACTER SET gbk, s CHAR(5) CHARACTER SET sjis);
INSERT INTO wide VALUES (1, 'ab', 'ab', 'ab', 'ab', 'ab', 'ab', 'ab', 'ab', 'ab'), (2, 'a b  ', 'a b  ', 'a b  ', 'a b  ', 'a b  ', 'a b  ', 'a b  ', 'a b  ', 'a b  '),
  (3, '', '', '', '', '', '', '', '', ''), (4, '漢字†', '漢字†', '漢字†', '漢字†', '漢字†', '漢字†', 'é†', '漢字', '漢字'), (5, '     ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' '), (6, 'Ġ ', 'Ġ ', 'Ġ ', 'Ġ ', 'Ġ ', 'Ġ ', 'x ', 'x ', 'x ');
UPDATE strings SET c1 = CONCAT(v1, '  '), b1 = 'z' WHERE id < 4;
DELETE FROM choices WHERE id = 2;
