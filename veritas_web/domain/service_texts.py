"""Fixed texts of dropout's answers, marked for translation: advice, and reasons of missing data.

Pages show them by `_(text)`, so a text that is not here stays English.
"""

from veritas_web.domain.marked import N_

# By the code of the advice.
ADVICE = {
    "days_since_activity": N_("Call or meet the student this week and ask what keeps them away."),
    "days_since_mark": N_(
        "Ask the student this week whether they still work on the course, and agree on the next"
        " piece to hand in."
    ),
    "effort_fall": N_(
        "Talk this week about what has changed since the busier weeks, and agree on two fixed"
        " times to work."
    ),
    "session_time_fall": N_(
        "Set one short task for this week that can be finished in a single sitting."
    ),
    "longest_gap_days": N_(
        "Ask about the long break, and hand over a short list of what was missed."
    ),
    "gap_growth": N_(
        "Agree on fixed days for the coming week and look on each whether the student came."
    ),
    "gap_variation": N_(
        "Plan the coming week together, with a small piece of work on each of three days."
    ),
    "mark_share": N_("Go through the last marked work together and agree on one topic to repeat."),
    "success_share": N_(
        "Work through two of the wrong answers together and give easier questions of the same"
        " topic."
    ),
    "mark_fall": N_(
        "Ask which topic became too hard since the better marks, and offer help with it."
    ),
    "success_fall": N_(
        "Look up where the answers began to go wrong and explain that topic once more."
    ),
    "plateau_days": N_(
        "Sit down over the question that the student is stuck on, or skip it for now."
    ),
    "attempts_per_question": N_(
        "Let the student explain one solution aloud, to see where the guessing begins."
    ),
    "hints_per_answer": N_("Show one worked example of the topic that help is asked for most."),
    "answer_changes": N_("Ask for a reason with each answer this week; it shows what is guessed."),
    "output_fall": N_(
        "Do not trust the log-ins: ask to see this week's work, and start it together."
    ),
    "velocity_fall": N_("Give one question that can surely be solved, and praise it when it is."),
    "missed_work": N_(
        "Ask what keeps the student from handing in, and agree on a date for the next piece."
    ),
    "pause": N_("Ask how the next piece of work is coming along."),
    "late_work": N_("Plan the next deadline together, with a step for each week."),
    "marks": N_("Go through the weakest piece of work together, or arrange tutoring."),
    "mark_trend": N_("Look at what became harder with the last piece of work."),
    "activity": N_("Call or write, and ask what is in the way of studying."),
    "recency": N_("Get in touch this week: the student was not seen lately."),
    "breadth": N_("Show the forums, quizzes and readings that others use."),
    "questions": N_("Suggest a few questions at the right level to begin again."),
    "load": N_("Talk about the load, and whether a course can be taken later."),
    "repeating": N_("Ask what went wrong in the earlier attempt."),
    "registration": N_("Check that the student has settled in."),
}
MISSING = (
    N_("nothing is known of it by then; missing is not zero"),
    N_("no learning events are known that tell of now; missing is not zero"),
    N_("before the last 14 days there are less than two weeks, or fewer than five events"),
    N_("the class has no subjects, so its marks are unknown"),
    N_("of fewer than three quarters of the answers it is known if they solved their question"),
    N_("there are too few active days to compare the gaps between them"),
    N_("there are fewer than 5 gaps in the last six weeks"),
    N_("there are fewer than 5 answers known right or wrong"),
    N_("there are fewer than 2 marks"),
    N_("there are no marks before the last three"),
    N_("fewer than 3 questions were answered"),
    N_("no question was answered in the last two weeks"),
    N_("there are fewer than 3 answers sent in again"),
    N_("the learning events tell of activity more closely"),
    N_("there are no marks"),
    N_("the student was active on fewer than two of the last 14 days"),
    N_("no questions were answered in the weeks before"),
    N_("no questions were solved in the weeks before"),
    N_("there were no events in the weeks before"),
    N_("the sessions of the weeks before have no length"),
)
