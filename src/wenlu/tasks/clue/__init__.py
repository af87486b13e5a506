"""The tasks of CLUE, the Chinese language understanding benchmark, one file each."""

from wenlu.tasks.clue.afqmc import AFQMC
from wenlu.tasks.clue.c3 import C3
from wenlu.tasks.clue.chid import CHID
from wenlu.tasks.clue.cluener import CLUENER
from wenlu.tasks.clue.cmnli import CMNLI
from wenlu.tasks.clue.cmrc2018 import CMRC2018
from wenlu.tasks.clue.csl import CSL
from wenlu.tasks.clue.iflytek import IFLYTEK
from wenlu.tasks.clue.ocnli import OCNLI
from wenlu.tasks.clue.tnews import TNEWS
from wenlu.tasks.clue.wsc import WSC

__all__ = [
    "AFQMC",
    "C3",
    "CHID",
    "CLUENER",
    "CMNLI",
    "CMRC2018",
    "CSL",
    "IFLYTEK",
    "OCNLI",
    "TNEWS",
    "WSC",
]
