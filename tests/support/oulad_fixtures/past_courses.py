"""Four synthetic courses of the past; students with late and little work leave."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

from tests.support.oulad_fixtures.small_course import write_oulad

COURSES = (("AAA", "2013B"), ("BBB", "2013B"), ("AAA", "2013J"), ("CCC", "2014B"))
STUDENTS = 60
INFO_COLUMNS = (
    "gender,imd_band,final_result,studied_credits,num_of_prev_attempts,disability,region,"
    "highest_education,age_band"
)
DUE = (12, 26, 54, 82, 110)
WEIGHTS = (10, 20, 20, 25, 25)


def write_past(folder: Path) -> Path:
    """Write the files, always the same ones; AAA has clicks, the others have none."""
    random = Random(7)
    lines: dict[str, list[str]] = {
        "courses": ["code_module,code_presentation,module_presentation_length"],
        "assessments": ["code_module,code_presentation,id_assessment,assessment_type,date,weight"],
        "vle": [
            "id_site,code_module,code_presentation,activity_type,week_from,week_to",
            "71,AAA,2013B,forumng,,",
            "72,AAA,2013J,forumng,,",
        ],
        "studentInfo": [f"code_module,code_presentation,id_student,{INFO_COLUMNS}"],
        "studentRegistration": [
            "code_module,code_presentation,id_student,date_registration,date_unregistration"
        ],
        "studentAssessment": ["id_assessment,id_student,date_submitted,is_banked,score"],
        "studentVle": ["code_module,code_presentation,id_student,id_site,date,sum_click"],
    }
    for number, course in enumerate(COURSES):
        lines["courses"].append(f"{','.join(course)},240")
        for place, day in enumerate(DUE):
            id_ = 10 * number + place
            lines["assessments"].append(f"{','.join(course)},{id_},TMA,{day},{WEIGHTS[place]}")
        for place in range(STUDENTS):
            for file, line in _student(random, number, f"{1000 * (number + 1) + place}"):
                lines[file].append(line)
    return write_oulad(folder, **{file: "\n".join(rows) for file, rows in lines.items()})


def _student(random: Random, number: int, id_: str) -> Iterator[tuple[str, str]]:
    course = ",".join(COURSES[number])
    trouble = random.random()
    leaves = random.random() < trouble**2
    left = random.choice((20, 40, 65, 90, 125, 180)) if leaves else None
    end = "Withdrawn" if leaves else "Fail" if trouble > 0.8 else "Pass"
    gender, band = random.choice("FM"), random.choice(("0-10%", "10-20", "80-90%"))
    yield (
        "studentInfo",
        f"{course},{id_},{gender},{band},{end},{random.choice((60, 120))},0,N,Wales,None,0-35",
    )
    yield "studentRegistration", f"{course},{id_},{-random.randrange(1, 90)},{left or ''}"
    for place, day in enumerate(DUE):
        if left is not None and day >= left:
            return
        if random.random() < 1 - 0.7 * trouble:
            when = day - 2 + round(6 * trouble * random.random())
            score = round(95 - 60 * trouble * random.random())
            yield "studentAssessment", f"{10 * number + place},{id_},{when},0,{score}"
        if course.startswith("AAA"):
            for back in range(1, 1 + round(8 * (1 - trouble))):
                site = 71 if course.endswith("2013B") else 72
                yield "studentVle", f"{course},{id_},{site},{day - back},{random.randint(1, 9)}"
