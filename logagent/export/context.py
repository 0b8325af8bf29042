"""What the translation of every kind of rule shares: labels, texts, names of metrics, warnings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logagent.alert_metrics import stems
from logagent.export.annotations import LEFT_OUT, Annotations, literal
from logagent.export.promql import firing
from logagent.metrics.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from logagent.alerting.rules import NamedRule
    from logagent.settings import Settings


def metric_prefix(settings: Settings) -> str:
    """What the names of metrics begin with."""
    return Store(prefix=settings.service.metric_prefix).counter("x_total", "").shown_name.removesuffix("x_total")


def group_label(by: Mapping[str, str]) -> dict[str, str]:
    """The one label of a group under its own name, for series that call it ``group``; several are told by that alone."""
    return dict.fromkeys(by, "{{ $labels.group }}") if len(by) == 1 else {}


class Context:
    """``stems`` has the rules whose own metrics are counted, and what the names of those begin with."""

    def __init__(self, rules: Sequence[NamedRule], settings: Settings) -> None:
        prefix, service = metric_prefix(settings), settings.service
        named = stems(rules) if settings.rules.prometheus else {}
        self.stems = {name: prefix + stem for name, stem in named.items()}
        self._warnings: dict[str, list[str]] = {}
        self._left_out: dict[str, list[str]] = {}
        common = {"service": service.name, "namespace": service.namespace, "environment": service.environment}
        self._common = {name: text for name, text in common.items() if text}

    def warn(self, rule: NamedRule, message: str) -> None:
        """Note what is approximate or left out."""
        names = self._warnings.setdefault(message, [])
        if rule.name not in names:
            names.append(rule.name)

    @property
    def warnings(self) -> list[str]:
        """What the translation cannot say as the rules do: each thing once, with the rules that it is about."""
        found = [f"{', '.join(names)}: {message}" for message, names in self._warnings.items()]
        if self._left_out:
            rules = ", ".join(dict.fromkeys(rule for rules in self._left_out.values() for rule in rules))
            names = ", ".join(f"`{name}`" for name in sorted(self._left_out))
            found.append(f"{rules}: texts have {LEFT_OUT} for what Prometheus does not know: {names}")
        return found

    def labels(self, by: Mapping[str, str], labels: Mapping[str, str], **own: str) -> dict[str, str]:
        """Those of the agent and of the rule, but for those that a group has; ``own`` are set by logagent."""
        return {name: literal(text) for name, text in self._plain(by, labels, own).items()}

    def firing(self, rule: NamedRule, by: Mapping[str, str], **own: str) -> str:
        """The rule's alerts that fired at the last evaluation, told from those of another service's rule of that name."""
        return firing({"alertname": rule.name, **self._plain(by, {}, own)})

    def _plain(self, by: Mapping[str, str], labels: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
        common = {name: text for name, text in self._common.items() if name not in by}
        return {**common, **labels, **own}

    def annotations(self, rule: NamedRule, summary: str, texts: Annotations) -> dict[str, str]:
        """A rule's texts and its runbook."""
        found = texts.translate({"summary": summary, "description": getattr(rule, "description", "")})
        runbook = getattr(rule, "runbook_url", "")
        for name in texts.missing:
            self._left_out.setdefault(name, []).append(rule.name)
        return found | ({"runbook_url": literal(runbook)} if runbook else {})
