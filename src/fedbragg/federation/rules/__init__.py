"""Aggregation rules: how the sites' updates become one model. Each rule is one row of RULES."""

from fedbragg.federation.rules.registry import RULES, register, registered, rule_of
from fedbragg.federation.rules.rule import Rule

__all__ = ["RULES", "Rule", "register", "registered", "rule_of"]
