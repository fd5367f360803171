-- A spool of format 1, as the first release wrote it: three rows wait, one was refused.
PRAGMA journal_mode = WAL;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE spool (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    subject TEXT,
    payload TEXT NOT NULL,
    digest BLOB NOT NULL,
    accepted_at TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    problem TEXT,
    UNIQUE (kind, id)
);
INSERT INTO "spool" VALUES(1,'student','s1','s1','{"name":"Ada Lovelace","email":"ada@school.example","id":"s1","accepted_at":"2026-03-02T12:00:00Z"}',X'C55B696045AA1110054F6329F3F1CDCB','2026-03-02T12:00:00+00:00',0,NULL);
INSERT INTO "spool" VALUES(2,'assessment','m1','s1','{"student_id":"s1","type":"exam","subject":"Math","score":85.0,"max_score":100.0,"topic":null,"timestamp":null,"id":"m1","accepted_at":"2026-03-02T12:00:00Z"}',X'514FC8A50AFE509EE87E83AD12E82BA9','2026-03-02T12:00:00+00:00',0,NULL);
INSERT INTO "spool" VALUES(3,'assessment','m2','nobody','{"student_id":"nobody","type":"quiz","subject":"Math","score":50.0,"max_score":100.0,"topic":null,"timestamp":null,"id":"m2","accepted_at":"2026-03-02T12:00:00Z"}',X'2F8E6674BF018F95C2988D8196E8609A','2026-03-02T12:00:00+00:00',1,'There is no such student');
INSERT INTO "spool" VALUES(4,'assessment','m3','s1','{"student_id":"s1","type":"quiz","subject":"Math","score":70.0,"max_score":100.0,"topic":null,"timestamp":null,"id":"m3","accepted_at":"2026-03-02T12:00:00Z"}',X'85EE79F009E9CEAB78D7875BEF53F461','2026-03-02T12:00:00+00:00',0,NULL);
CREATE INDEX spool_subject ON spool (subject);
CREATE INDEX spool_waiting ON spool (place) WHERE problem IS NULL;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('spool',4);
COMMIT;
