"""Exports of a small school in the shape of OneRoster 1.1 and 1.2, written by the tests."""

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

Cells = dict[str, str]
Files = dict[str, list[Cells]]

ALL_FILES = (
    "academicSessions",
    "categories",
    "classes",
    "classResources",
    "courses",
    "courseResources",
    "demographics",
    "enrollments",
    "lineItems",
    "orgs",
    "resources",
    "results",
    "users",
)
FILES_OF_1_2 = ("roles", "userProfiles", "scoreScales", "lineItemScoreScales")


def cells(**values: str) -> Cells:
    """Return a row as a bulk file has it: without status and time of change."""
    return {"sourcedId": "", "status": "", "dateLastModified": "", **values}


def a_user(id_: str, role: str, given: str, **values: str) -> Cells:
    """Return a row of users.csv in version 1.1."""
    return cells(
        sourcedId=id_,
        enabledUser="true",
        orgSourcedIds="school-1",
        role=role,
        username=id_.lower(),
        userIds="",
        givenName=given,
        familyName="Example",
        identifier="",
        email=f"{id_.lower()}@school.example",
        phone="",
        agentSourcedIds="",
        **values,
    )


def small_school() -> Files:
    """Return the rows of a school with two classes, in version 1.1."""
    student = a_user("st-1", "student", "Ada")
    student |= {"userIds": "{ldap:ada1},{library:77}", "identifier": "1001"}
    student |= {"agentSourcedIds": "gu-1,gu-9"}
    return {
        "orgs": [
            cells(sourcedId="dist-1", name="District", type="district", parentSourcedId=""),
            cells(sourcedId="school-1", name="School", type="school", parentSourcedId="dist-1"),
        ],
        "academicSessions": [
            _session("year-26", "Year", "schoolYear", "2026-08-01", "2027-07-01"),
            _session("fall-26", "Fall", "semester", "2026-08-01", "2027-01-01") | _of_year(),
        ],
        "courses": [
            cells(sourcedId="co-1", title="Algebra", courseCode="ALG", subjects="Math, Science"),
        ],
        "classes": [_class("cl-1", "Algebra 1a"), _class("cl-2", "Algebra 1b")],
        "users": [
            student,
            a_user("st-2", "student", "Bo"),
            a_user("te-1", "teacher", "Tess"),
            a_user("gu-1", "parent", "Pat") | {"phone": "555 0100"},
        ],
        "enrollments": [
            _enrollment("en-1", "cl-1", "st-1", "student") | {"beginDate": "2026-08-15"},
            _enrollment("en-2", "cl-1", "st-2", "student"),
            _enrollment("en-3", "cl-1", "te-1", "teacher") | {"primary": "true"},
        ],
        "demographics": [
            cells(sourcedId="st-1", birthDate="2012-03-04", sex="female", asian="true"),
        ],
        "categories": [cells(sourcedId="ca-1", title="Quiz")],
        "lineItems": [
            cells(
                sourcedId="li-1",
                title="Fractions",
                assignDate="2026-09-01",
                dueDate="2026-09-08",
                classSourcedId="cl-1",
                categorySourcedId="ca-1",
                gradingPeriodSourcedId="fall-26",
                resultValueMin="0",
                resultValueMax="20",
            ),
        ],
        "results": [
            _result("re-1", "st-1", "fully graded", "17.5"),
            _result("re-2", "st-2", "exempt", ""),
        ],
    }


def as_1_2(files: Files) -> Files:
    """Return the rows in version 1.2: the roles of users are a file of their own."""
    users, roles = [], []
    for row in files["users"]:
        user = dict(row)
        role, organisations = user.pop("role"), user.pop("orgSourcedIds")
        users.append(user | {"primaryOrgSourcedId": organisations, "preferredGivenName": ""})
        roles.append(
            cells(
                sourcedId=f"role-{user['sourcedId']}",
                userSourcedId=user["sourcedId"],
                roleType="primary",
                role=role,
                orgSourcedId=organisations,
            )
        )
    return {**files, "users": users, "roles": roles}


def manifest(modes: Mapping[str, str], version: str = "1.1") -> str:
    """Return the text of a manifest."""
    names = ALL_FILES if version == "1.1" else (*ALL_FILES, *FILES_OF_1_2)
    lines = ["propertyName,value", "manifest.version,1.0", f"oneroster.version,{version}"]
    lines += [f"file.{name},{modes.get(name, 'absent')}" for name in names]
    lines += ["source.systemName,Example SIS"]
    return "".join(f"{line}\r\n" for line in lines)


def table(rows: Iterable[Cells]) -> str:
    """Return rows as CSV with CRLF; columns that a row lacks are empty."""
    rows = list(rows)
    header = list(dict.fromkeys(column for row in rows for column in row))
    written = io.StringIO(newline="")
    writer = csv.DictWriter(written, header, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue()


def texts(files: Files, *, mode: str = "bulk") -> dict[str, str]:
    """Return the text of each file of an export by name, with its manifest."""
    version = "1.1" if all("role" in row for row in files.get("users", ())) else "1.2"
    found = {f"{name}.csv": table(rows) for name, rows in files.items()}
    return {"manifest.csv": manifest(dict.fromkeys(files, mode), version), **found}


def write_folder(folder: Path, contents: Mapping[str, str | bytes]) -> Path:
    """Write an export into a folder, new or not, and return the folder."""
    folder.mkdir(exist_ok=True)
    for name, content in contents.items():
        raw = content.encode() if isinstance(content, str) else content
        (folder / name).write_bytes(raw)
    return folder


def write_zip(path: Path, contents: Mapping[str, str | bytes]) -> Path:
    """Write an export as a zip and return its path."""
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return path


def _session(id_: str, title: str, type_: str, starts: str, ends: str) -> Cells:
    return cells(
        sourcedId=id_,
        title=title,
        type=type_,
        startDate=starts,
        endDate=ends,
        parentSourcedId="",
        schoolYear="2027",
    )


def _of_year() -> Cells:
    return {"parentSourcedId": "year-26"}


def _class(id_: str, title: str) -> Cells:
    return cells(
        sourcedId=id_,
        title=title,
        grades="09,10",
        courseSourcedId="co-1",
        classCode=id_,
        classType="scheduled",
        location="Room 7",
        schoolSourcedId="school-1",
        termSourcedIds="fall-26",
        subjects="",
    )


def _enrollment(id_: str, class_: str, user: str, role: str) -> Cells:
    return cells(
        sourcedId=id_,
        classSourcedId=class_,
        schoolSourcedId="school-1",
        userSourcedId=user,
        role=role,
        primary="false",
        beginDate="",
        endDate="",
    )


def _result(id_: str, student: str, status: str, score: str) -> Cells:
    return cells(
        sourcedId=id_,
        lineItemSourcedId="li-1",
        studentSourcedId=student,
        scoreStatus=status,
        score=score,
        scoreDate="2026-09-08",
        comment="",
    )
