-- Partial updates of documents, as binlog_row_value_options=PARTIAL_JSON tells them.
SET binlog_row_value_options = PARTIAL_JSON;
CREATE TABLE patched (id INT PRIMARY KEY, j JSON, n INT, k JSON, l JSON);
SET @pad = REPEAT('p', 100);
INSERT INTO patched VALUES
  (1, JSON_OBJECT('a', 1, 'b', JSON_ARRAY(1, 2, 3), 'c', JSON_OBJECT('x', 'text', 'y', @pad), 'pad', @pad), 0, JSON_ARRAY(1, 2, JSON_ARRAY(3, 4), @pad), NULL),
  (2, JSON_OBJECT('a', 'long enough to be replaced', 'odd key', 1, 'q"uote', 2, 'é', 3, '$', 4, 'a.b', 5, '', 6, 'pad', @pad), 0, JSON_ARRAY(@pad, @pad, @pad), '[]'),
  (3, JSON_OBJECT('pad', @pad, 'deep', JSON_OBJECT('deep', JSON_OBJECT('deep', JSON_ARRAY(JSON_ARRAY(0, 1, 2), 'end')))), 0, '{"a": 1}', '{"b": 2}');
UPDATE patched SET j = JSON_SET(j, '$.a', 100) WHERE id = 1;
UPDATE patched SET j = JSON_SET(j, '$.b[1]', 'two', '$.new', JSON_OBJECT('n', 1), '$.c.x', 5) WHERE id = 1;
UPDATE patched SET j = JSON_REMOVE(j, '$.b[0]', '$.c.y'), k = JSON_REMOVE(k, '$[1]') WHERE id = 1;
UPDATE patched SET k = JSON_ARRAY_INSERT(k, '$[0]', 'first'), n = n + 1 WHERE id = 1;
UPDATE patched SET k = JSON_SET(k, '$[99]', 'appended') WHERE id = 1;
UPDATE patched SET k = JSON_SET(k, '$[last]', 'last', '$[last-1]', NULL) WHERE id = 1;
UPDATE patched SET j = JSON_SET(j, '$."odd key"', 10, '$."q\\"uote"', 20, '$."é"', 30, '$."$"', 40, '$."a.b"', 50, '$.""', 60) WHERE id = 2;
UPDATE patched SET j = JSON_SET(j, '$."new odd"', 1, '$.zz', 2, '$.aa', 3, '$."tab\\t"', 4, '$.unié', 5) WHERE id = 2;
UPDATE patched SET j = JSON_REPLACE(j, '$.a', x'00FF'), k = JSON_REPLACE(k, '$[2]', CAST(1.5 AS DECIMAL(5, 2))), n = 5 WHERE id = 2;
UPDATE patched SET j = JSON_SET(j, '$.deep.deep.deep[0][1]', DATE'2024-01-01', '$.deep.deep.more', TRUE), k = JSON_SET(k, '$.b', 2), l = JSON_SET(l, '$.b', 3) WHERE id = 3;
UPDATE patched SET n = n + 1;
UPDATE patched SET l = NULL WHERE id = 2;
UPDATE patched SET j = JSON_SET(j, '$.pad', 'all rows'), k = JSON_SET(k, '$.b', JSON_ARRAY(1, 2)), n = -1;
DELETE FROM patched WHERE id = 3;
SET binlog_row_image = NOBLOB;
UPDATE patched SET n = 77 WHERE id = 1;
