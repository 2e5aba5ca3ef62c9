"""What panels have in common, in one place."""

from collections.abc import Mapping
from typing import TypeVar

from grafana_foundation_sdk.builders import (
    common,
    dashboard,
    prometheus,
    stat,
    statetimeline,
    timeseries,
)
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DashboardSpecialValueMapOptions,
    DataSourceRef,
    SpecialValueMap,
    SpecialValueMatch,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

#: Whatever Prometheus is chosen above the panels.
_PROMETHEUS = DataSourceRef(type_val="prometheus", uid="${datasource}")

#: Of the 24 columns of a dashboard, and in its rows.
_WIDTH, _HEIGHT = 8, 8
_NUMBER_WIDTH, _NUMBER_HEIGHT = 4, 4

#: What clients ask for: probes are not.
TO_V1 = '{route=~"/v1/.*"}'

_Panel = TypeVar("_Panel", stat.Panel, timeseries.Panel, statetimeline.Panel)


def board(title: str, uid: str, about: str) -> dashboard.Dashboard:
    return (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(about)
        .tags(["photo"])
        .timezone("browser")
        .time("now-3h", "now")
        .refresh("30s")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .readonly()
        .with_variable(
            dashboard.DatasourceVariable("datasource")
            .label("Prometheus")
            .type("prometheus")
        )
        .link(
            dashboard.DashboardLink("Photo API")
            .type(DashboardLinkType.DASHBOARDS)
            .tags(["photo"])
            .keep_time(True)
        )
    )


def number(
    title: str,
    expression: str,
    about: str,
    *,
    unit: str = "short",
    good_from: float | None = None,
    bad_from: float | None = None,
    nothing: str = "none",
) -> stat.Panel:
    """One figure, red from one bound on, or below another; a word if there is none."""
    steps = [Threshold(color="green" if good_from is None else "red")]
    if good_from is not None:
        steps.append(Threshold(value=good_from, color="green"))
    if bad_from is not None:
        steps.append(Threshold(value=bad_from, color="red"))
    thresholds = dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE)
    return (
        _panel(stat.Panel(), title, about, unit, {title: expression})
        .span(_NUMBER_WIDTH)
        .height(_NUMBER_HEIGHT)
        .graph_mode(BigValueGraphMode.AREA)
        .color_mode(BigValueColorMode.VALUE)
        .thresholds(thresholds.steps(steps))
        .no_value(nothing)
        .mappings([_no_number(nothing)])
    )


def lines(
    title: str,
    expressions: Mapping[str, str],
    about: str,
    *,
    unit: str = "short",
    stacked: bool = False,
) -> timeseries.Panel:
    """Expressions over time, by the names of their lines."""
    panel = (
        _panel(timeseries.Panel(), title, about, unit, expressions)
        .span(_WIDTH)
        .height(_HEIGHT)
        .min(0)
        .show_points(VisibilityMode.NEVER)
        .fill_opacity(20 if stacked else 0)
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(
            common.VizTooltipOptions()
            .mode(TooltipDisplayMode.MULTI)
            .sort(SortOrder.DESCENDING)
        )
    )
    if stacked:
        panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL))
    return panel


def states(
    title: str,
    expressions: Mapping[str, str],
    about: str,
    *,
    good: tuple[int, str],
    bad: tuple[int, str],
) -> statetimeline.Panel:
    """Which of two states each is in, by their values and names, over time."""
    return (
        _panel(statetimeline.Panel(), title, about, "short", expressions)
        .span(_WIDTH)
        .height(_HEIGHT)
        .mappings(
            [
                ValueMap(
                    {
                        str(value): ValueMappingResult(text=text, color=color)
                        for (value, text), color in ((good, "green"), (bad, "red"))
                    }
                )
            ]
        )
    )


def fresh(gauge: str) -> str:
    """What is counted in the database, from processes that counted it lately."""
    return f"{gauge} and on (job, instance) photo_snapshot_age_seconds < 60"


def percentiles(histogram: str, where: str = "") -> dict[str, str]:
    return {
        f"p{percent}": quantile(percent / 100, histogram, where=where)
        for percent in (50, 95, 99)
    }


def quantile(q: float, histogram: str, by: str = "", where: str = "") -> str:
    labels = f"le, {by}" if by else "le"
    rate = f"rate({histogram}_bucket{where}[$__rate_interval])"
    return f"histogram_quantile({q:g}, sum by ({labels}) ({rate}))"


def rate(counter: str, by: str = "") -> str:
    labels = f" by ({by})" if by else ""
    return f"sum{labels} (rate({counter}[$__rate_interval]))"


def _no_number(text: str) -> SpecialValueMap:
    return SpecialValueMap(
        DashboardSpecialValueMapOptions(
            match=SpecialValueMatch.NULL_AND_NAN, result=ValueMappingResult(text=text)
        )
    )


def _panel(
    panel: _Panel, title: str, about: str, unit: str, expressions: Mapping[str, str]
) -> _Panel:
    panel.title(title).description(about).unit(unit).datasource(_PROMETHEUS)
    for number, (legend, expression) in enumerate(expressions.items()):
        panel.with_target(
            prometheus.Dataquery()
            .expr(expression)
            .legend_format(legend)
            .range()
            .format(PromQueryFormat.TIME_SERIES)
            .ref_id("ABCDEF"[number])
        )
    return panel
