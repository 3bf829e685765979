from llmtrain_api.data import Columns
from llmtrain_api.generate.resource_pages import cluster_page, job_page


def test_a_field_is_listed_with_type_default_and_bounds() -> None:
    assert "| `gpus` | integer | `0` | 0 to 16 | GPUs of one worker." in job_page()


def test_required_fields_and_allowed_values_are_marked() -> None:
    page = job_page()
    assert "| `steps` | integer | required |" in page
    assert "one of `Elastic`, `Torchrun`" in page


def test_a_map_has_a_line_for_each_key_that_has_a_meaning() -> None:
    (row,) = [line for line in job_page().splitlines() if line.startswith("| `columns` |")]
    assert row.startswith("| `columns` | map to string |  | at most 16 entries; each 1 to 256 characters |")
    assert [line.partition(":")[0] for line in row.split("<br>")[1:]] == [*Columns.model_fields]


def test_items_of_a_list_have_a_section() -> None:
    assert "### spec.workers.env[]" in job_page()
    assert "### spec.computePools[]" in cluster_page()


def test_rules_and_immutable_fields_of_a_job_are_listed() -> None:
    page = job_page()
    assert "lower min or raise replicas" in page
    assert "`spec.recovery.hangSeconds`" in page
