"""Records keep their form without personal data: pairs, tags for each word, and answers in their places."""

from llmtrain_trainer.data.masked_records import mask_question, mask_record
from llmtrain_trainer.data.questions import Answer, Question


def test_both_texts_of_a_pair_are_masked_and_classes_are_not() -> None:
    assert mask_record("ask a@b.example", "frag a@b.example", "text") == ("ask [EMAIL]", "frag [EMAIL]", {"email": 2})
    assert mask_record("ask a@b.example", "a@b.example", "class") == ("ask [EMAIL]", "a@b.example", {"email": 1})


def test_each_word_keeps_its_tag() -> None:
    text, tags, counts = mask_record("call +49 30 901820 now", "O B I I O", "tags")
    assert (text, tags, counts) == ("call [PHONE] [PHONE] [PHONE] now", "O B I I O", {"phone": 1})


def test_answers_are_where_they_were() -> None:
    context = "Write to jane@mail.example, who is in Rome."
    answers = tuple(Answer(text, context.index(text)) for text in ("Rome", "jane@mail.example", "Write to jane"))
    question = Question(question="Who is a@b.example?", context=context, answers=answers)
    masked, counts = mask_question(question)
    assert masked.question == "Who is [EMAIL]?"
    assert [answer.text for answer in masked.answers] == ["Rome", "[EMAIL]", "Write to [EMAIL]"]
    assert all(masked.context[answer.start :].startswith(answer.text) for answer in masked.answers)
    assert counts == {"email": 2}
