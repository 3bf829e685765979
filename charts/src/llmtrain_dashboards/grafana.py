"""Encodes dashboards as Grafana's JSON, with Grafana's own SDK."""

import json

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement, StackingMode
from grafana_foundation_sdk.models.dashboard import (
    DashboardLinkType,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
    VariableOption,
    VariableRefresh,
)

from llmtrain_dashboards import cluster, job, node, operator
from llmtrain_dashboards.dashboard import NO_DATA, Dashboard, Panel, Variable

DASHBOARDS = (cluster.DASHBOARD, job.DASHBOARD, node.DASHBOARD, operator.DASHBOARD)
TAG = "llmtrain"
SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
WIDTH, STAT_HEIGHT, HEIGHT = 24, 4, 8
"""In cells of Grafana's grid."""


def dashboard_json(source: Dashboard) -> str:
    """Return a dashboard as the JSON that Grafana reads."""
    builder = (
        dashboard.Dashboard(source.title)
        .uid(source.uid)
        .description(source.description)
        .tags([TAG])
        .refresh("30s")
        .time("now-1h", "now")
        .timezone("browser")
        .readonly()
        .link(
            dashboard.DashboardLink("llmtrain")
            .type(DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .include_vars(True)
            .keep_time(True)
        )
        .with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    )
    for variable in source.variables:
        builder = builder.with_variable(_variable(variable))
    for row in source.rows:
        builder = builder.with_row(dashboard.Row(row.title))
        for panel in row.panels:
            builder = builder.with_panel(_panel(panel, WIDTH // len(row.panels)))
    return json.dumps(builder.build(), cls=JSONEncoder, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _variable(variable: Variable) -> dashboard.QueryVariable:
    builder = (
        dashboard.QueryVariable(variable.name)
        .label(variable.label)
        .datasource(SOURCE)
        .query(variable.query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
    )
    if variable.multi:
        everything = VariableOption(text="All", value="$__all", selected=True)
        builder = builder.multi(True).include_all(True).current(everything)
        return builder.all_value(".*") if variable.all_matches_any else builder
    return builder


def _panel(panel: Panel, width: int) -> stat.Panel | timeseries.Panel:
    builder: stat.Panel | timeseries.Panel = stat.Panel() if panel.kind == "stat" else timeseries.Panel()
    thresholds = [
        Threshold(color=panel.base),
        *(Threshold(value=value, color=color) for value, color in panel.thresholds),
    ]
    builder = (
        builder.title(panel.title)
        .description(panel.help)
        .unit(panel.unit)
        .datasource(SOURCE)
        .span(width)
        .height(STAT_HEIGHT if panel.kind == "stat" else HEIGHT)
        .thresholds(dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(thresholds))
    )
    if isinstance(builder, timeseries.Panel):
        legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM)
        builder = builder.legend(legend.show_legend(True)).min(0)
        if panel.kind == "stack":
            builder = builder.stacking(common.StackingConfig().mode(StackingMode.NORMAL)).fill_opacity(30)
    else:
        builder = builder.no_value(NO_DATA)
    if panel.link is not None:
        builder = builder.data_links([dashboard.DashboardLink(panel.link.title).url(panel.link.url)])
    for number, query in enumerate(panel.queries):
        target = prometheus.Dataquery().expr(query.expr).ref_id(chr(ord("A") + number))
        if panel.kind == "stat":  # a range query would show the last value of series that ended long ago
            target = target.instant()
        builder = builder.with_target(target.legend_format(query.legend) if query.legend else target)
    return builder
