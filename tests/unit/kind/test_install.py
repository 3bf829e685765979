"""Images of this checkout become values of the chart."""

from llmtrain_kind.install import image_settings


def test_images_become_chart_values() -> None:
    options = image_settings({"operator": "localhost:5000/op:1", "trainer-cpu": "localhost/cpu:2"})
    assert options[1::2] == [
        "image.operator.repository=localhost:5000/op",
        "image.operator.tag=1",
        "image.trainerCpu.repository=localhost/cpu",
        "image.trainerCpu.tag=2",
    ]
