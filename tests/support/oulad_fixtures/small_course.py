"""A small course in the published layout of OULAD."""

import zipfile
from pathlib import Path

# 101 works and passes, 102 leaves on day 12, 103 becomes inactive and leaves on day 60, 104
# registers on day 30, 105 has no activity, 106 fails. 101 takes the other course, too.
FILES = {
    "courses.csv": """
        code_module,code_presentation,module_presentation_length
        AAA,2013J,268
        BBB,2013B,240
    """,
    "assessments.csv": """
        code_module,code_presentation,id_assessment,assessment_type,date,weight
        AAA,2013J,1,TMA,10,50
        AAA,2013J,2,CMA,40,50
        AAA,2013J,3,Exam,,100
        BBB,2013B,4,TMA,10,100
    """,
    "vle.csv": """
        id_site,code_module,code_presentation,activity_type,week_from,week_to
        71,AAA,2013J,forumng,,
        72,AAA,2013J,oucontent,1,2
        73,BBB,2013B,quiz,,
    """,
    "studentInfo.csv": """
        code_module,code_presentation,id_student,gender,imd_band,final_result,region,highest_education,age_band,num_of_prev_attempts,studied_credits,disability
        AAA,2013J,101,F,90-100%,Pass,Scotland,HE Qualification,0-35,0,60,N
        AAA,2013J,102,M,,Withdrawn,Wales,A Level or Equivalent,35-55,1,120,Y
        AAA,2013J,103,F,10-20,Withdrawn,Scotland,,35-55,0,60,N
        AAA,2013J,104,M,20-30%,Distinction,Ireland,HE Qualification,55<=,0,30,N
        AAA,2013J,105,M,20-30%,Fail,Wales,Lower Than A Level,0-35,2,60,N
        AAA,2013J,106,M,20-30%,Fail,London Region,HE Qualification,0-35,0,90,N
        BBB,2013B,101,F,90-100%,Fail,Scotland,HE Qualification,0-35,0,60,N
    """,
    "studentRegistration.csv": """
        code_module,code_presentation,id_student,date_registration,date_unregistration
        AAA,2013J,101,-159,
        AAA,2013J,102,-53,12
        AAA,2013J,103,-92,60
        AAA,2013J,104,30,
        AAA,2013J,105,,
        AAA,2013J,106,-5,
        BBB,2013B,101,-20,
    """,
    "studentAssessment.csv": """
        id_assessment,id_student,date_submitted,is_banked,score
        1,101,9,0,78
        1,106,10,0,30
        1,103,-1,1,60
        2,101,38,0,
        2,106,41,0,20.5
        4,101,10,0,5
    """,
    "studentVle.csv": """
        code_module,code_presentation,id_student,id_site,date,sum_click
        AAA,2013J,101,71,-10,4
        AAA,2013J,101,71,-10,1
        AAA,2013J,101,71,-10,1
        AAA,2013J,101,72,-10,7
        AAA,2013J,101,72,19,2
        AAA,2013J,101,72,20,2
        AAA,2013J,101,72,21,3
        AAA,2013J,103,72,2,1
        AAA,2013J,106,72,2,1
        AAA,2013J,106,72,25,9
        AAA,2013J,104,71,33,5
        BBB,2013B,101,73,3,99
    """,
}


def write_oulad(folder: Path, **changed: str) -> Path:
    """Write the files into a new folder and return it; `changed` has other contents by file."""
    folder.mkdir()
    for file, lines in FILES.items():
        text = changed.get(file.removesuffix(".csv"), lines)
        cleaned = [line.strip() for line in text.strip().splitlines()]
        (folder / file).write_text("\n".join(cleaned) + "\n")
    return folder


def zip_of(folder: Path) -> Path:
    """Zip the files of a folder, as they are published."""
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
    return path


def with_question_marks(text: str) -> str:
    """Return the lines with missing values as `?`, as in the other distribution."""
    rows = (line.strip().split(",") for line in text.strip().splitlines())
    return "\n".join(",".join(value or "?" for value in row) for row in rows)
