-- Row images MINIMAL and NOBLOB, with and without keys.
CREATE TABLE keyed (id INT PRIMARY KEY, a INT, b TEXT, c VARCHAR(20), d BLOB, e INT DEFAULT 9);
CREATE TABLE bare (id INT, a INT, b TEXT);
SET binlog_row_image = MINIMAL;
INSERT INTO keyed VALUES (1, 1, 'one', 'eins', 'un', 1), (2, 2, 'two', 'zwei', 'deux', 2), (3, 3, NULL, NULL, NULL, NULL);
INSERT INTO keyed (id, c) VALUES (4, 'vier'), (5, NULL);
UPDATE keyed SET a = a + 10 WHERE id < 3;
UPDATE keyed SET b = 'changed', c = NULL WHERE id = 1;
UPDATE keyed SET id = 30 WHERE id = 3;
DELETE FROM keyed WHERE id = 2;
INSERT INTO bare VALUES (1, 1, 'x'), (2, 2, NULL);
UPDATE bare SET a = 5 WHERE id = 1;
SET binlog_row_image = NOBLOB;
INSERT INTO keyed VALUES (6, 6, 'six', 'sechs', 'six', 6);
UPDATE keyed SET a = 66 WHERE id = 6;
UPDATE keyed SET b = 'text', d = NULL WHERE id = 6;
DELETE FROM keyed WHERE id = 5;
SET binlog_row_image = FULL;
INSERT INTO bare VALUES (3, 3, 'full');
