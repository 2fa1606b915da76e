"""The doctor: finds what is wrong with a data set before it spoils a training, and explains the cure.

Every rule is a function from what was examined to findings, in the file of its subject.
"""

from sceneseg.doctor.diagnosis import Diagnosis, diagnose, quick_check
from sceneseg.doctor.findings import Finding
from sceneseg.doctor.repair import Repaired, repair

__all__ = ["Diagnosis", "Finding", "Repaired", "diagnose", "quick_check", "repair"]
