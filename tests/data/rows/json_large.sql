-- Documents past 64 KiB, which use the format with wide offsets and inline 32-bit integers.
SET cte_max_recursion_depth = 100000, group_concat_max_len = 10000000;
CREATE TABLE large (id INT PRIMARY KEY, j JSON);
INSERT INTO large SELECT 1, JSON_ARRAYAGG(i * 97 - 100000) FROM (WITH RECURSIVE n AS (SELECT 0 i UNION ALL SELECT i + 1 FROM n WHERE i < 14000) SELECT i FROM n) x;
INSERT INTO large VALUES (2, JSON_OBJECT('big', REPEAT('x', 66000), 'i16', 1, 'i32', 100000, 'u32', 4000000000, 'i64', 10000000000, 'd', 1.5e0, 's', 'short', 'dec', 1.25, 'b', x'01', 't', TRUE, 'n', NULL, 'a', JSON_ARRAY(1, 100000, JSON_OBJECT('k', 'v'))));
