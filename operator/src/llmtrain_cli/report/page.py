"""The report: one HTML file with figures, charts and their script. Its content security policy forbids all requests."""

import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import plotly.io
from jinja2 import Environment
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from llmtrain_cli.errors import BadInput, CommandError
from llmtrain_cli.report.charts import charts
from llmtrain_cli.report.history import History
from llmtrain_cli.report.recoveries import recoveries

TEMPLATE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ name }}: training report</title>
<link rel="icon" href="data:,">
<style>
body { font-family: system-ui, sans-serif; color: #222; max-width: 1100px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 0; } p { color: #666; margin: .3rem 0; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(165px, 1fr)); gap: .75rem; margin: 1.5rem 0; }
dl div { border: 1px solid #e0e0e0; border-radius: 6px; padding: .6rem .8rem; }
dt { color: #666; font-size: .8rem; } dd { margin: 0; font-size: 1.2rem; } .missing { font-style: italic; }
table { border-collapse: collapse; font-size: .85rem; margin: .5rem 0; } section { break-inside: avoid; }
th, td { border-bottom: 1px solid #e0e0e0; padding: .2rem .8rem; text-align: right; } th { color: #666; font-weight: normal; }
th:nth-child(-n+2), td:nth-child(-n+2) { text-align: left; }
</style>
<script>{{ script }}</script>
</head>
<body>
<h1>{{ name }}</h1>
<p>{{ span }}</p>
<dl>{% for title, value in figures %}<div><dt>{{ title }}</dt><dd>{{ value }}</dd></div>{% endfor %}</dl>
{% for chart in charts %}
<section id="{{ chart.key }}">
<h2>{{ chart.title }}</h2>
<p>{{ chart.help }}</p>
{% if chart.drawn %}{{ chart.drawn }}{% else %}<p class="missing">{{ chart.missing }}</p>{% endif %}
{% for row in chart.table %}
{% if loop.first %}<table><tr>{% for cell in row %}<th>{{ cell }}</th>{% endfor %}</tr>
{% else %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endif %}{% if loop.last %}</table>{% endif %}
{% endfor %}
</section>
{% endfor %}
</body>
</html>
"""


def figures(history: History) -> list[tuple[str, str]]:
    """Return the titles and values at the head of the page."""
    seconds, methods = history.totals("seconds", "category"), Counter[str]()
    for group in recoveries(history):
        methods[group.method] += group.count
    lifetime = sum(seconds.values())
    steps = history.last("steps")
    numbers: list[tuple[str, float | None, str]] = [
        ("Steps", history.last("step"), "{:,.0f}" + (f" / {steps:,.0f}" if steps else "")),
        ("Tokens", history.last("tokens"), "{:,.0f}"),
        ("Training loss", history.last("loss"), "{:.3f}"),
        ("Held-out loss", history.last("held_out_loss"), "{:.3f}"),
        ("Lifetime", lifetime, "{:,.0f} s"),
        ("Goodput", seconds.get("stepping", 0.0) / lifetime if lifetime else None, "{:.1%}"),
        ("Recoveries", methods.total(), "{:.0f}"),
    ]
    shown = [(title, "no data" if value is None else form.format(value)) for title, value, form in numbers]
    return shown + [(f"Recoveries by {method}", f"{count}") for method, count in sorted(methods.items())]


def page(history: History) -> str:
    """Return the page as HTML."""
    shown = [
        {
            "key": chart.key,
            "title": chart.title,
            "help": chart.help,
            "missing": chart.missing,
            "table": chart.table,
            "drawn": chart.figure
            and Markup(
                plotly.io.to_html(
                    chart.figure,
                    include_plotlyjs=False,
                    full_html=False,
                    div_id=f"chart-{chart.key}",
                    config={"displaylogo": False, "responsive": True},
                )
            ),
        }
        for chart in charts(history)
    ]
    times = (
        datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")
        for at in (history.time_range.start, history.time_range.end)
    )
    return (
        Environment(autoescape=True)
        .from_string(TEMPLATE)
        .render(
            name=f"{history.job.namespace}/{history.job.name}",
            span=" to ".join(times) + " UTC",
            figures=figures(history),
            charts=shown,
            script=Markup(get_plotlyjs()),
        )
    )


def write(history: History, file: Path) -> None:
    """Write the page atomically. BadInput if `file` is a folder, CommandError if it can't be written."""
    if file.is_dir():
        raise BadInput(f"{file} is a folder: set --output to a file")
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        temporary.write_text(page(history), encoding="utf-8")
        temporary.replace(file)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise CommandError(f"{file} can't be written: {error.strerror}; set --output to another file") from error
