"""Expected answers of each route to persons, and the bodies of writes.

A route that is missing here fails the test: add its line with the permission that it asks for and
the kind of its answer. In paths and bodies `{s}` is the student whom the request is about.
"""

from tests.person_matrix.kinds import (
    Kind,
    Route,
    all_persons,
    figures,
    lists,
    reads,
    row,
    school,
    systems,
    writes,
)
from tests.support.factories import a_draft, a_learning_event, a_system_event

_MARK = {"id": "new", "student_id": "{s}", "type": "quiz", "subject": "Math", "score": 7}
_CHANGE = {"score": 5, "reason": "typing error"}
_REASON = "reason=sent+twice"
_ENDED = {"valid_from": "2026-01-01", "valid_to": "2026-02-01"}
_TERM = {
    "title": "Year",
    "type": "school_year",
    "starts_on": "2026-08-01",
    "ends_on": "2027-07-31",
}

_DIGEST = {"subject": "s", "opening": "o", "sections": [], "closing": "c"}
_EXPORT = Route("export", Kind.HIDDEN, varies=True)

STAFFSTUDDASH = {
    "GET /me": Route(None, Kind.CALLER),
    # students
    "GET /students": lists("students.read", "id"),
    "POST /students": systems("students.write", {"id": "new", "name": "New"}, 201),
    "POST /students/batch": systems("students.write", [{"id": "new", "name": "New"}]),
    "POST /students/csv": systems("students.write", "id,name\nnew,New"),
    "GET /students/{student_id}": reads("students.read"),
    "PUT /students/{student_id}": systems("students.write", {"name": "Other"}),
    "PATCH /students/{student_id}": systems("students.write", {"name": "Other"}),
    "DELETE /students/{student_id}": systems("erase"),
    "POST /students/{student_id}/merge": systems("merge", {"into": "new"}, moved=409),
    "GET /students/{student_id}/classes": reads("students.read"),
    "GET /students/{student_id}/guardians": reads("students.read"),
    "PUT /students/{student_id}/guardians": systems("students.write", {"items": []}),
    "GET /students/{student_id}/identifiers": reads("students.read"),
    "PUT /students/{student_id}/identifiers": systems("students.write", {"items": []}),
    "GET /students/{student_id}/demographics": Route("demographics", Kind.HIDDEN),
    "PUT /students/{student_id}/demographics": systems("demographics", {"sex": "m"}),
    "DELETE /students/{student_id}/demographics": systems("demographics", status=204),
    "GET /leavers": lists("students.read", "student_id"),
    "GET /students/{student_id}/export": _EXPORT,
    "GET /students/{student_id}/reads": reads("audit.read", is_of_self=True),
    "GET /students/{student_id}/hold": Route("erase", Kind.HIDDEN, 404),
    "PUT /students/{student_id}/hold": writes("erase", 200, 308, {"reason": "a claim in court"}),
    "DELETE /students/{student_id}/hold": Route("erase", Kind.READ, 404),
    "GET /students/{student_id}/restriction": Route("students.write", Kind.READ, 404),
    "PUT /students/{student_id}/restriction": systems("students.write", {"reason": "objection"}),
    "DELETE /students/{student_id}/restriction": systems("students.write", status=404),
    "POST /students/{student_id}/break-glass": Route(
        "students.read", Kind.OPENING, 409, body={"reason": "an emergency in the school"}
    ),
    "GET /break-glass": Route("people.manage", Kind.SYSTEMS, or_sees_all=True),
    "POST /break-glass/{opening_id}/acknowledge": Route(
        "people.manage", Kind.SYSTEMS, 404, or_sees_all=True
    ),
    "DELETE /break-glass/{opening_id}": all_persons("students.read", 404),
    # marks, drafts, actions
    "POST /assessments": writes("marks.write", 201, 201, _MARK),
    "POST /assessments/batch": writes("marks.write", 200, 200, [_MARK]),
    "POST /assessments/csv": writes(
        "marks.write", 200, 200, "id,student_id,type,subject,score\nnew,{s},quiz,Math,7"
    ),
    "PATCH /assessments/{assessment_id}": row("marks.write", body=_CHANGE),
    "DELETE /assessments/{assessment_id}": row("marks.write", params=_REASON),
    "GET /students/{student_id}/assessments": reads("students.read"),
    "POST /students/{student_id}/drafts": writes("drafts.write", 201, 201, a_draft(id="new")),
    "GET /students/{student_id}/drafts": reads("drafts.read"),
    "GET /students/{student_id}/performance": reads("students.read"),
    "GET /performance-records": lists("students.read", "student_id"),
    "POST /students/{student_id}/actions": writes("actions.write", 201, 201, {"action": "call"}),
    "GET /students/{student_id}/actions": reads("actions.read"),
    "GET /students/{student_id}/shown-actions": reads("actions.read", is_of_self=True),
    "POST /students/{student_id}/answers": writes(
        "actions.write", 201, 201, {"text": "I was ill"}, is_of_self=True
    ),
    "GET /actions": lists("actions.read", "student_id"),
    "PATCH /actions/{action_id}": row("actions.write", body={"note": "she came"}),
    "GET /analytics/actions": Route(
        "actions.read", Kind.FIGURES, params="course=c-own&since=2026-01-01T00:00:00Z"
    ),
    "GET /analytics/orders": Route("actions.read", Kind.FIGURES, params="course=c-own"),
    "GET /analytics/action-weeks": figures("actions.read"),
    "POST /concepts": systems(
        "marks.write", {"concept": "sets", "subject": "Math", "difficulty": 2}, 201
    ),
    "GET /concepts": school("roster.read"),
    "PATCH /concepts/{concept_id}": systems("marks.write", {"difficulty": 3}),
    # dashboards
    "GET /dashboard/teacher": lists("students.read", "student_id"),
    "GET /dashboard/student/{student_id}": reads("students.read"),
    "GET /dashboard/cohort": figures("students.read"),
    "GET /freshness": school("roster.read"),
    # roster
    "GET /organisations": school("roster.read"),
    "GET /organisations/{organisation_id}": school("roster.read"),
    "PUT /organisations/{organisation_id}": systems("roster.write", {"name": "Other"}),
    "DELETE /organisations/{organisation_id}": systems("roster.write"),
    "GET /terms": school("roster.read"),
    "GET /terms/{term_id}": school("roster.read"),
    "PUT /terms/{term_id}": systems("roster.write", _TERM),
    "DELETE /terms/{term_id}": systems("roster.write"),
    "POST /terms/{term_id}/close": systems("roster.write", status=409),
    "GET /courses": school("roster.read"),
    "GET /courses/{course_id}": school("roster.read"),
    "PUT /courses/{course_id}": systems("roster.write", {"title": "Other"}),
    "DELETE /courses/{course_id}": systems("roster.write"),
    "GET /classes": school("roster.read"),
    "POST /classes/csv": systems("roster.write", "id,title\nnew,New"),
    "GET /classes/{class_id}": school("roster.read"),
    "PUT /classes/{class_id}": systems("roster.write", {"title": "Other"}),
    "DELETE /classes/{class_id}": systems("roster.write"),
    "GET /people": school("roster.read"),
    "POST /people/csv": systems("roster.write", "id,name\nnew,New"),
    "GET /people/{person_id}": school("roster.read"),
    "PUT /people/{person_id}": systems("roster.write", {"name": "Other"}),
    "DELETE /people/{person_id}": systems("roster.write"),
    "GET /classes/{class_id}/students": lists("students.read", "student_id"),
    "PUT /classes/{class_id}/students/{student_id}": systems("roster.write", _ENDED),
    "DELETE /classes/{class_id}/students/{student_id}": systems("roster.write"),
    "POST /enrolments/csv": systems("roster.write", "student_id,class_id\n{s},c-empty"),
    "GET /classes/{class_id}/staff": school("roster.read"),
    "PUT /classes/{class_id}/staff/{person_id}": systems("roster.write", {"is_primary": True}),
    "DELETE /classes/{class_id}/staff/{person_id}": systems("roster.write"),
    "GET /people/{person_id}/classes": school("roster.read"),
    "GET /people/{person_id}/students": lists("students.read", "student_id"),
    "PUT /people/{person_id}/students/{student_id}": systems("roster.write", {}, 201),
    "DELETE /people/{person_id}/students/{student_id}": systems("roster.write", status=404),
    "GET /imports": systems("roster.write"),
    "POST /imports": systems("roster.write", "id,name\nnew,New", 202, params="kind=students"),
    "GET /imports/{import_id}": systems("roster.write", status=404),
    "PATCH /imports/{import_id}": systems("roster.write", {"dry_run": True}, 404),
    "DELETE /imports/{import_id}": systems("roster.write", status=404),
    # access
    "GET /access": systems("people.manage"),
    "GET /people/{person_id}/access": systems("people.manage"),
    "PUT /people/{person_id}/access": systems("people.manage", {"role": "student"}),
    "DELETE /people/{person_id}/access": systems("people.manage"),
    "POST /people/{person_id}/invitations": systems("people.manage", {}, 201),
    "DELETE /people/{person_id}/invitations": systems("people.manage", status=204),
    "POST /people/{person_id}/sign-outs": Route(
        "people.manage", Kind.ALL, body={}, varies=True, own="teacher"
    ),
    "POST /sign-ins": Route("act_as", Kind.ALL, body={"login": "advisor"}),
    "GET /digests/{week}/recipients": Route("act_as", Kind.ALL),
    "PUT /digests/{week}/recipients/{person_id}": Route("act_as", Kind.ALL, 409, body=_DIGEST),
    "GET /keys": all_persons("keys.manage", 200),
    "POST /keys": Route("keys.manage", Kind.KEYS, 201, body={"name": "new", "scopes": ["read"]}),
    "DELETE /keys/{name}": systems("keys.manage"),
    "GET /roles": school("roster.read"),
    "GET /roles/{name}": school("roster.read"),
    "PUT /roles/{name}": systems("people.manage", {"permissions": ["students.read"]}),
    "DELETE /roles/{name}": systems("people.manage", status=204),
}

DROPOUT = {
    "GET /me": Route(None, Kind.CALLER),
    "POST /students": systems("students.write", {"id": "new", "name": "New"}, 201),
    "GET /students": lists("students.read", "id"),
    "GET /students/{student_id}": reads("students.read"),
    "PUT /students/{student_id}": systems("students.write", {"name": "Other"}),
    "PATCH /students/{student_id}": systems("students.write", {"name": "Other"}),
    "DELETE /students/{student_id}": systems("erase", status=409),
    "POST /events": systems("events.write", a_learning_event(id="new", student_id="{s}"), 201),
    "POST /events/batch": systems("events.write", [a_learning_event(id="new", student_id="{s}")]),
    "GET /students/{student_id}/events": reads("students.read"),
    "GET /students/{student_id}/attempts": reads("students.read"),
    "POST /assessments": Route("marks.write", Kind.WRITE, 201, 201, body=_MARK, creates=True),
    "PATCH /assessments/{assessment_id}": row("marks.write", body=_CHANGE),
    "DELETE /assessments/{assessment_id}": row("marks.write", params=_REASON),
    "GET /students/{student_id}/assessments": reads("students.read"),
    "GET /students/{student_id}/corrections": reads("students.read"),
    "GET /students/{student_id}/export": _EXPORT,
    "GET /students/{student_id}/reads": reads("audit.read", is_of_self=True),
    "POST /students/{student_id}/features": writes("predictions.write", 201, 308, {"id": "new"}),
    "GET /students/{student_id}/features": reads("predictions.read"),
    "GET /students/{student_id}/features/latest": reads("predictions.read"),
    "POST /students/{student_id}/predictions": writes("predictions.write", 201, 308, {"id": "new"}),
    "GET /students/{student_id}/predictions": reads("predictions.read"),
    "GET /students/{student_id}/predictions/latest": reads("predictions.read"),
    "GET /predictions": lists("predictions.read", "student_id"),
    "GET /courses": Route("roster.read", Kind.COURSES),
    "GET /courses/{course}/risks": lists("predictions.read", "student_id"),
    "GET /courses/{course}/activity": Route(
        "students.read", Kind.LIST, field="student_id", params="student_id__in={s}"
    ),
    "GET /courses/{course}/changes": Route("predictions.read", Kind.NEAR),
    "GET /changes": Route("predictions.read", Kind.NEAR),
    "GET /activity": Route("students.read", Kind.FIGURES, params="course__in=c-own"),
    "GET /freshness": all_persons("roster.read", 200),
    "GET /courses/{course}/assessments": school("roster.read"),
    "GET /students/{student_id}/submissions": reads("students.read"),
    "GET /students/{student_id}/activity": reads("students.read"),
    "GET /models": school("predictions.read"),
    "GET /models/{version}": Route("predictions.read", Kind.SCHOOL, 404),
    "GET /models/{version}/evaluation": Route("predictions.read", Kind.SCHOOL, 404),
    "GET /models/{version}/weeks": Route("predictions.read", Kind.SCHOOL, 404),
    "POST /predictions/{prediction_id}/feedback": row(
        "feedback.write", 201, {"id": "new", "verdict": "accepted"}
    ),
    "GET /predictions/{prediction_id}/feedback": row("predictions.read"),
    "DELETE /predictions/{prediction_id}/feedback/{feedback_id}": Route(
        "feedback.write", Kind.READ, 404, 404
    ),
    "GET /analytics/feedback": figures("predictions.read"),
    "GET /analytics/summary": figures("predictions.read"),
}

MONITORING = {
    "GET /me": Route(None, Kind.CALLER),
    "POST /monitoring/events": systems("logs.write", a_system_event(event_id="new"), 201),
    "POST /monitoring/events/batch": systems("logs.write", [a_system_event(event_id="new")]),
    "POST /logs": systems("logs.write", {}),
    "POST /metrics": systems("logs.write", {}),
    "POST /traces": systems("logs.write", {}),
    "GET /monitoring/logs": school("system.read"),
    "POST /monitoring/logs/query": all_persons("system.read", 200, {}),
    "GET /monitoring/logs/{event_id}": school("system.read"),
    "GET /monitoring/stats": school("system.read"),
    "GET /monitoring/health": school("system.read"),
    "GET /monitoring/health/history": school("system.read"),
    "GET /monitoring/health/days": school("system.read"),
    "GET /monitoring/incidents": school("system.read"),
    "GET /monitoring/incidents/{incident_id}": Route("system.read", Kind.SCHOOL, 404),
    "POST /monitoring/incidents/{incident_id}/acknowledge": all_persons("system.write", 404),
    "POST /monitoring/incidents/{incident_id}/resolve": all_persons("system.write", 404),
    "POST /monitoring/incidents/{incident_id}/notes": all_persons(
        "system.write", 404, {"text": "looked at it"}
    ),
    "GET /monitoring/sources": school("system.read"),
    "GET /monitoring/background-work": school("system.read"),
    "GET /monitoring/analytics/timeseries": school("system.read"),
    "POST /monitoring/analysis/re-evaluate": all_persons("system.write", 200),
    "GET /monitoring/rules/{source}": school("system.read"),
    "PUT /monitoring/rules/{source}": all_persons(
        "system.write", 200, {"thresholds": {"latency": {"warning": 5, "critical": 10}}}
    ),
    "DELETE /monitoring/rules/{source}": all_persons("system.write", 204),
    "POST /monitoring/maintenance/cleanup": all_persons(
        "logs.delete", 200, params="older_than_hours=1"
    ),
}
ROUTES = {"staffstuddash": STAFFSTUDDASH, "dropout": DROPOUT, "monitoring": MONITORING}
