"""How numbers are written on the page."""

DASH = "–"


def percent(share: float | None, digits: int = 2) -> str:
    """0.53214 as 53.21 %."""
    return DASH if share is None else f"{100 * share:.{digits}f} %"


def score(metric: str, value: float | None) -> str:
    """A score as people of the field write it: shares in percent, losses and the like plain."""
    if value is None:
        return DASH
    return decimals(value) if metric.endswith("loss") or not -1 <= value <= 1 else percent(value)


def decimals(value: float | None, digits: int = 4) -> str:
    """A plain number without needless digits."""
    return DASH if value is None else f"{value:.{digits}g}"


def whole(value: float | None) -> str:
    """53360 as 53,360."""
    return DASH if value is None else f"{value:,.0f}"


def short(value: float | None) -> str:
    """4800000 as 4.8 M."""
    if value is None:
        return DASH
    for size, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def duration(seconds: float | None) -> str:
    """4523 as 1 h 15 min."""
    if seconds is None:
        return DASH
    if seconds < 99.5:
        return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours / 24:.1f} days"


METRICS = {
    "accuracy": ("Accuracy", "准确率"),
    "accuracy_alone": ("Accuracy, each alone", "逐个作答准确率"),
    "macro_f1": ("Macro-F1", "宏平均 F1"),
    "loss": ("Dev loss", "验证损失"),
    "f1": ("F1", "F1 值"),
    "precision": ("Precision", "精确率"),
    "recall": ("Recall", "召回率"),
    "micro_f1": ("Micro-F1", "微平均 F1"),
    "exact_match": ("Exact match", "完全匹配"),
    "span_match": ("Same place as the first reference", "与首个参考答案同位"),
    "spearman": ("Spearman", "秩相关"),
}


def metric_name(metric: str) -> tuple[str, str]:
    """What a metric is called, in English and in Chinese."""
    return METRICS.get(metric, (metric, ""))


def plus_minus(metric: str, mean: float | None, deviation: float | None) -> str:
    """0.5321 and 0.0012 as 53.21 ± 0.12 %."""
    if mean is None or deviation is None:
        return score(metric, mean)
    return f"{score(metric, mean).removesuffix(' %')} ± {score(metric, deviation)}"


def interval(metric: str, low: float, high: float) -> str:
    """0.5223 and 0.5419 as 52.23 – 54.19 %."""
    return f"{score(metric, low).removesuffix(' %')} – {score(metric, high)}"
