-- Documents of every binary kind; what functions make of SQL values (opaque kinds); odd keys; limits.
SET sql_mode = '';
CREATE TABLE documents (id INT AUTO_INCREMENT PRIMARY KEY, j JSON, k JSON NOT NULL);
INSERT INTO documents (j, k) VALUES (NULL, 'null'), ('null', 'true'), ('true', 'false'), ('[]', '{}'), ('""', '"x"'),
  ('[[], {}, [[]], {"": {}}]', '{"a": [], "b": {}, "c": null, "d": true, "e": false}'),
  ('[0, 1, -1, 127, 128, -128, 255, 256, 32767, 32768, -32768, -32769, 65535, 65536]',
   '[2147483647, 2147483648, -2147483648, -2147483649, 4294967295, 4294967296, 9223372036854775807, -9223372036854775808, 9223372036854775808, 18446744073709551615, 18446744073709551616]'),
  ('[0.0, -0.0, 1.0, 1.5, -1.5, 0.1, 100.0, 1e14, 1e15, 1e16, 123456789012345.0, 1234567890123456.0, 12345678901234567.0]',
   '[1e-14, 1e-15, 1e-16, 1.25e-15, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 1e20, 1e100, -1.5e-7, 0.00001, 3.141592653589793, 1e22, 1e23]'),
  ('{"b": 1, "a": 2, "aa": 3, "": 4, "é": 5, "\\"q\\"": 6, "A": 7, "a b": 8, "\\n": 9, "😀": 10, "0": 11, "aaa": 12, "ab": 13}', '{"dup": 1, "dup": 2, "dup": 3}'),
  ('"\\u0000\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f\\u007f\\u0080 \\" \\\\ \\/ é € 😀 \\ud83d\\ude00 \\u2028"', '["\\\\", "\\"", "/", "</script>"]');
INSERT INTO documents (j, k) VALUES
  (JSON_ARRAY(CAST(1.50 AS DECIMAL(10, 2)), CAST(-0.001 AS DECIMAL(30, 30)), 12345678901234567890123456789012345.123456789012345678901234567890, CAST(0 AS DECIMAL(5, 2)), -7.0),
   JSON_ARRAY(DATE'2024-02-29', TIME'12:34:56', TIMESTAMP'2024-02-29 12:34:56', CAST('-838:59:59' AS TIME), CAST('2024-02-29 12:34:56.123456' AS DATETIME(6)), CAST('-00:00:00.000001' AS TIME(6)), CAST('101:02:03.5' AS TIME(1)))),
  (JSON_OBJECT('blob', x'00FF80', 'bit', b'101', 'empty', x'', 'long', CAST(REPEAT('abc', 60) AS BINARY), 'line', CAST(REPEAT('a', 57) AS BINARY), 'more', CAST(REPEAT('a', 58) AS BINARY), 'bin', CAST('x' AS BINARY(4)), 'two', CAST(REPEAT('z', 114) AS BINARY)),
   JSON_OBJECT('point', ST_GeomFromText('POINT(1 2)'), 'year', CAST(2024 AS YEAR), 'f', CAST(1.1 AS FLOAT), 'd', 1e0, 'u', CAST(1 AS UNSIGNED), 'b', TRUE, 'n', NULL)),
  (CAST(DATE'0000-00-00' AS JSON), CAST(CAST('0000-00-00 00:00:00' AS DATETIME) AS JSON));
SET @deep = CONCAT(REPEAT('[', 100), REPEAT(']', 100));
SET @mixed = CONCAT(REPEAT('{"k": [', 49), '{"end": 1}', REPEAT(']}', 49));
INSERT INTO documents (j, k) VALUES (@deep, @mixed);
SET cte_max_recursion_depth = 100000, group_concat_max_len = 10000000;
INSERT INTO documents (j, k) SELECT JSON_OBJECT(REPEAT('k', 300), REPEAT('v', 127), REPEAT('l', 301), REPEAT('w', 128)), JSON_ARRAY(REPEAT('é', 63), REPEAT('é', 64));
INSERT INTO documents (j, k) SELECT JSON_ARRAYAGG(i), JSON_OBJECTAGG(CONCAT('key', i), i / 8) FROM (WITH RECURSIVE n AS (SELECT 0 i UNION ALL SELECT i + 1 FROM n WHERE i < 60) SELECT i FROM n) x;
INSERT IGNORE INTO documents (j, k) VALUES ('1', NULL);
CREATE TABLE derived (id INT PRIMARY KEY, j JSON, v VARCHAR(20) AS (j->>'$.a') VIRTUAL, s INT AS (j->'$.n') STORED, x INT INVISIBLE DEFAULT 7);
INSERT INTO derived (id, j) VALUES (1, '{"a": "text", "n": 5}'), (2, NULL), (3, '{"a": "é", "n": -5}');
UPDATE derived SET j = JSON_SET(j, '$.n', 6) WHERE id = 1;
UPDATE documents SET k = JSON_ARRAY(k, 1) WHERE id IN (2, 9);
