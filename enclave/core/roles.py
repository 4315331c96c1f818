"""The roles of DESIGN, and nothing about who has them: records own persons and their roles."""

from enum import StrEnum


class Role(StrEnum):
    RESEARCHER = "researcher"
    COMMITTEE = "committee"
    CHECKER = "checker"
    CUSTODIAN = "custodian"
    AUDITOR = "auditor"
    OPERATOR = "operator"
