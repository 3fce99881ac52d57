"""The phases task: losses, labels from tables, and a small training."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fedbragg.config import Federation, FederationSettings, SiteSettings, TrainingSettings
from fedbragg.errors import ConfigError, InputError, LabelError
from fedbragg.learn.one_sided import without_one_sided
from fedbragg.learn.settings import Calibration, FitSettings
from fedbragg.metrics.estimate import Estimate
from fedbragg.progress import SILENT
from fedbragg.simulation.powder import PowderConditions, shipped_phases
from fedbragg.tasks.phases.build import PhasesRecipe, recipe_for, train_model, write_phases_model
from fedbragg.tasks.phases.data import PhaseData
from fedbragg.tasks.phases.files.pattern import read_pattern
from fedbragg.tasks.phases.labels import read_phase_labels
from fedbragg.tasks.phases.learner import PhaseTraining
from fedbragg.tasks.phases.losses import Batch, cross_entropy, positive_weights
from fedbragg.tasks.phases.metrics import mean_metrics, metrics_by_phase
from fedbragg.tasks.phases.model_file import Identifier
from fedbragg.tasks.phases.prepare import PatternSettings, prepare_pattern
from fedbragg.tasks.phases.settings import PhasesSettings
from fedbragg.tasks.phases.sources import SimulationPlan, lines_of, simulated
from fedbragg.tasks.phases.task import PhasesTask, open_phases
from fedbragg.tasks.site import TaskSite
from fedbragg.workflows.federate import Project, Watching, train_alone, train_together, write_results
from fedbragg.workflows.site_data import SiteData, read_site

SETTINGS = PatternSettings()
PHASES = shipped_phases()
PLAN = SimulationPlan(PHASES)
TASK = PhaseTraining(lines_of(PHASES, SETTINGS), SETTINGS)


@pytest.fixture(scope="module")
def data() -> PhaseData:
    return simulated(PLAN, 300, 5)


def batch(labels: list[list[float]], logits: list[list[float]], measured: list[bool] | None = None) -> Batch:
    return Batch(torch.tensor(logits), torch.tensor(labels), torch.tensor(measured or [False] * len(labels)))


def test_plain_loss_is_the_mean_cross_entropy_of_known_labels() -> None:
    zero = torch.zeros(2)
    made = batch([[1.0, 0.0], [1.0, -1.0]], [[0.0, 0.0], [0.0, 9.0]])
    assert cross_entropy("plain", made, torch.ones(2), zero).item() == pytest.approx(math.log(2))


def test_each_loss_weighs_as_its_name_says() -> None:
    one, zero = torch.ones(1), torch.zeros(1)
    made = batch([[1.0], [0.0]], [[0.0], [0.0]])
    assert cross_entropy("positive", made, 3 * one, zero).item() == pytest.approx(2 * math.log(2))
    # Weights 1.6 on "present" and 1 on "absent": for logit -1, ln(1 + e) and ln(1 + 1/e).
    tilted = batch([[1.0], [0.0]], [[-1.0], [-1.0]])
    weighted = (1.6 * math.log(1 + math.e) + math.log(1 + 1 / math.e)) / 2.6
    assert cross_entropy("tailored", tilted, one, zero).item() == pytest.approx(weighted)
    # Focal with gamma 2 at p = 1/2: a quarter of the entropy.
    assert cross_entropy("focal", made, one, zero).item() == pytest.approx(math.log(2) / 4)
    # Kendall: L exp(-s) + s / 2 with s = ln 4.
    expected = math.log(2) / 4 + math.log(4) / 2
    assert cross_entropy("uncertainty", made, one, torch.full((1,), math.log(4.0))).item() == pytest.approx(
        expected
    )
    # Twenty times a measured pattern at 0 logit, once a simulated one that is sure and right.
    mixed = batch([[1.0], [1.0]], [[0.0], [60.0]], [True, False])
    assert cross_entropy("domain", mixed, one, zero).item() == pytest.approx(20 / 21 * math.log(2))


def test_the_tailored_loss_is_torchs_cross_entropy_with_the_papers_class_weights() -> None:
    """Two logits (0, x) and CrossEntropyLoss([1, 1.6]), as in pnnl/mlxrd, are one logit x and this loss."""
    logits, labels = torch.tensor([[0.3], [-1.2], [2.0]]), torch.tensor([[1.0], [0.0], [0.0]])
    two = torch.cat([torch.zeros_like(logits), logits], dim=1)
    expected = torch.nn.CrossEntropyLoss(torch.tensor([1.0, 1.6]))(two, labels[:, 0].long())
    made = Batch(logits, labels, torch.tensor([False] * 3))
    assert cross_entropy("tailored", made, torch.ones(1), torch.zeros(1)).item() == pytest.approx(
        expected.item()
    )


def test_a_batch_of_unknown_labels_has_no_loss() -> None:
    made = batch([[-1.0]], [[3.0]])
    assert cross_entropy("plain", made, torch.ones(1), torch.zeros(1)).item() == 0.0


def test_positive_weights_are_absences_per_presence() -> None:
    labels = torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, -1.0]])
    assert positive_weights(labels).tolist() == [2.0, 2.0]
    assert positive_weights(torch.zeros(100, 1)).tolist() == [10.0]


def test_label_counts_leave_the_unknown_out() -> None:
    made = PhaseData(
        torch.zeros(3, 3, 4), torch.tensor([[1.0, 0.0], [0.0, -1.0], [1.0, 0.0]]), torch.zeros(3).bool()
    )
    assert made.label_counts == ((1, 2), (2, 0))


def test_a_phase_that_never_occurs_is_never_labelled(data: PhaseData) -> None:
    without = simulated(SimulationPlan(PHASES, never=(1,)), 40, 6)
    assert (without.labels[:, 1] == 0).all()
    assert (data.labels[:, 1] == 1).any()


def test_a_phase_that_all_or_no_patterns_show_counts_as_unknown() -> None:
    labels = torch.tensor([[1.0, 0.0, 1.0, -1.0], [0.0, 0.0, 1.0, 0.0], [1.0, -1.0, -1.0, 1.0]])
    left = without_one_sided(labels)
    expected = [[1.0, -1.0, -1.0, -1.0], [0.0, -1.0, -1.0, 0.0], [1.0, -1.0, -1.0, 1.0]]
    assert left.tolist() == expected


def test_a_site_does_not_train_on_a_phase_that_it_never_saw() -> None:
    """Trained on 200 labels "absent", the network reports the phase far less often than without them."""
    never = simulated(SimulationPlan(PHASES, never=(0,)), 200, 6)
    shown = simulated(PLAN, 100, 7)
    found = {}
    for one_sided in ("ignore", "learn"):
        task = PhaseTraining(TASK.lines, SETTINGS, one_sided=one_sided)  # type: ignore[arg-type]
        state = task.pretrain(never, 4, 1)
        found[one_sided] = task.probabilities(state, shown)[:, 0].mean()
    assert found["learn"] < 0.15
    assert found["ignore"] > 2 * found["learn"]


def test_metrics_are_by_phase_and_averaged() -> None:
    truth = np.array([[1.0, 0.0], [0.0, 0.0], [-1.0, 0.0]])
    judged = metrics_by_phase(truth, np.array([[0.9, 0.1], [0.2, 0.8], [0.9, 0.1]]))
    assert judged[0]["accuracy"].value == 1.0
    assert judged[1]["accuracy"].value == pytest.approx(2 / 3)
    mean = mean_metrics(judged)
    assert mean["accuracy"].value == pytest.approx(5 / 6)
    assert mean["AUC"].value == 1.0  # the second phase has no presence to rank
    assert isinstance(mean["recall"], Estimate)


@pytest.mark.slow
def test_training_learns_and_repeats() -> None:
    """A few hundred patterns raise the AUC on others far above a half; the same seed gives the same network."""
    train, test = (simulated(PLAN, n, s) for n, s in ((500, 1), (200, 2)))
    state = TASK.pretrain(train, 8, 3)
    area = mean_metrics(metrics_by_phase(test.labels.numpy().astype(float), TASK.probabilities(state, test)))[
        "AUC"
    ]
    assert area.value > 0.75
    few = train[:64]
    once, again = TASK.pretrain(few, 1, 3), TASK.pretrain(few, 1, 3)
    for name in once:
        np.testing.assert_array_equal(once[name], again[name])
    assert "network.trunk.0.weight" in state
    assert not any("left" in name for name in state)  # where lines lie does not travel


@pytest.mark.parametrize("loss", ["positive", "focal", "uncertainty", "domain"])
def test_every_loss_trains(data: PhaseData, loss: str) -> None:
    task = PhaseTraining(TASK.lines, SETTINGS, loss)  # type: ignore[arg-type]
    start, after = task.new_state(1), task.pretrain(data[:64], 1, 1)
    assert all(np.isfinite(tensor).all() for tensor in after.values())
    moved = not np.array_equal(start["log_variance"], after["log_variance"])
    assert moved == (loss == "uncertainty")


def test_a_site_sends_counts_of_every_phase(data: PhaseData) -> None:
    site = TaskSite("a", PhasesTask(TASK, PhasesSettings()), data, TrainingSettings(batch=64), seed=1)
    start = TASK.new_state(1)
    one, again, other = (site.train(dict(start), version, 1) for version in (3, 3, 4))
    assert one.label_counts == data.label_counts
    assert len(one.label_counts) == 3
    assert one.samples == 300
    for name in one.tensors:
        np.testing.assert_array_equal(one.tensors[name], again.tensors[name])
    assert any(not np.array_equal(one.tensors[name], other.tensors[name]) for name in one.tensors)


def test_a_gradient_and_shifted_logits_for_rules_that_ask(data: PhaseData) -> None:
    task, start = PhasesTask(TASK, PhasesSettings()), TASK.new_state(1)
    fit = FitSettings(epochs=2, batch=64, learning_rate=1e-9)
    gradient = task.gradient(start, data, fit, 1)
    assert gradient.keys() <= start.keys() and any(tensor.any() for tensor in gradient.values())
    assert task.steps(data, fit) == 2 * 5  # 300 patterns, 64 a step
    rare = data[data.labels[:, 0] == 0]  # the first phase nearly never occurs
    rare = replace(rare, labels=torch.cat([torch.ones(1, 3), rare.labels[1:]]))
    plain, shifted = (
        task.train(start, rare, replace(fit, calibration=calibration), 1)[1]
        for calibration in (None, Calibration("prior"))
    )
    assert shifted < plain  # at random weights, the shift alone knows how frequent each phase is


def plan(**keys: object) -> Federation:
    return Federation(
        task="phases",
        training=TrainingSettings(warmup_epochs=1, epochs=1, batch=64),
        federation=FederationSettings(barriers=2, aggregation="fedkl", workers=1),
        sites=tuple(SiteSettings(name=name, runs=("-",), labels="-") for name in ("a", "b", "c")),
        **keys,  # type: ignore[arg-type]
    )


def test_three_sites_each_lacking_a_phase_train_together(tmp_path: Path) -> None:
    """FedKL over several labels: a site without a phase has entropy 0 there, and weighs less than by size."""
    sites = []
    for k, name in enumerate("abc"):
        data = simulated(SimulationPlan(PHASES, never=(k,)), 60, 20 + k)
        sites.append(SiteData(name, data, data))
    project = Project(plan(), PhasesTask(TASK, PhasesSettings()), tmp_path)
    federated = train_together(project, sites, TASK.new_state(1), Watching())
    outcome = federated.outcome
    weights = [line for line in outcome.history if line["event"] == "barrier"][-1]["weights"]
    assert sum(weights.values()) == pytest.approx(1.0)
    entropies = [_mean_entropy(site.train.label_counts) for site in sites]
    expected = [(1 / 3 + h / sum(entropies)) / 2 for h in entropies]
    assert [weights[name] for name in "abc"] == pytest.approx(expected, abs=1e-6)
    assert set(federated.metrics["a"]) >= {"accuracy", "balanced accuracy", "AUC"}
    write_results(tmp_path, project, outcome)
    assert Identifier(tmp_path / "model.onnx").card.names == ("bastnaesite", "calcite", "rhenium")
    assert train_alone(project, sites[0], TASK.new_state(1), 1).keys() == outcome.model.keys()


def _mean_entropy(counts: tuple[tuple[int, ...], ...]) -> float:
    shares = [np.array(pair) / sum(pair) for pair in counts]
    return float(np.mean([-sum(p * math.log2(p) for p in share if p) for share in shares]))


def save(path: Path, seed: int = 0) -> None:
    """Save a pattern of noise."""
    axis = np.arange(4.5, 25, 0.02)
    np.save(path, np.stack([axis, np.random.default_rng(seed).poisson(100.0, len(axis))]))


def test_sites_read_files_and_a_table(tmp_path: Path) -> None:
    rows = ["path,bastnaesite,calcite,rhenium"]
    for number in range(12):
        save(tmp_path / f"p{number}.npy", number)
        rows.append(f"p{number}.npy,{number % 2},0,")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    site = SiteSettings(name="a", runs=("p*.npy", "p3.npy"), labels="labels.csv")  # each counts once
    data = read_site(open_phases(PhasesSettings()), site, tmp_path, 0.2, SILENT)
    assert (len(data.train), len(data.held_out)) == (10, 2)
    assert data.train.label_counts == ((5, 5), (10, 0), (0, 0))
    assert data.train.labels[:, 0].tolist() == [0, 1] * 5  # p2 before p10


@pytest.mark.parametrize("absolute", [False, True])
def test_a_glob_may_name_folders_too(tmp_path: Path, absolute: bool) -> None:
    for day in ("day2", "day10"):
        (tmp_path / day).mkdir()
        save(tmp_path / day / "p.npy")
    (tmp_path / "labels.csv").write_text("path,calcite\nday10/p.npy,0\nday2/p.npy,1\n")
    run = str(tmp_path / "**" / "*.npy") if absolute else "day*/p.npy"
    site = SiteSettings(name="a", runs=(run,), labels="labels.csv")
    data = open_phases(PhasesSettings(structures=("calcite",))).read(site, tmp_path, SILENT)
    assert data.labels[:, 0].tolist() == [1, 0]  # day2 before day10


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("path,calcite\na.xy,1\n", "no column 'rhenium'"),
        ("path,calcite,rhenium\na.xy,1,maybe\n", "line 2: 'maybe' is not a label"),
        ("", "no column 'path'"),
        ("calcite,rhenium,path\n1,0\n", "line 2: the column path is empty"),
        ("path,calcite,rhenium\na.xy,1,0\na.xy,1,1\n", "line 3: a.xy has other labels above"),
    ],
)
def test_a_table_that_cannot_be_used_is_named(tmp_path: Path, text: str, found: str) -> None:
    (tmp_path / "l.csv").write_text(text)
    with pytest.raises(LabelError, match=found):
        read_phase_labels(tmp_path / "l.csv", ["calcite", "rhenium"])
    with pytest.raises(LabelError, match="cannot be read"):
        read_phase_labels(tmp_path / "none.csv", ["calcite"])


def test_another_wavelength_keeps_the_grid_or_takes_the_range_asked_for() -> None:
    copper = recipe_for(1.5406, None, PhasesRecipe())
    assert copper.settings.q_low == pytest.approx(0.92)
    assert copper.settings.q_high == pytest.approx(4.80)
    asked = recipe_for(1.5406, (10.0, 60.0), PhasesRecipe())
    assert asked.settings.q_high == pytest.approx(4 * math.pi / 1.5406 * 0.5)
    with pytest.raises(ConfigError, match="cannot reach the default range"):
        recipe_for(3.0, None, PhasesRecipe())
    with pytest.raises(ConfigError, match="is not a range"):
        recipe_for(0.5608, (20.0, 10.0), PhasesRecipe())


def test_a_model_from_structures_is_calibrated_for_each_phase_and_answers_so(tmp_path: Path) -> None:
    trained = train_model(PHASES, PhasesRecipe(patterns=200, epochs=1))
    write_phases_model(tmp_path / "m.onnx", trained, 0.5608, {})
    identifier = Identifier(tmp_path / "m.onnx")
    assert identifier.card.calibration == trained.calibration
    assert len(trained.calibration) == 3
    answer = identifier(simulated(PLAN, 1, 3).views[0].numpy())
    maps = zip(trained.calibration, answer.scores, strict=True)
    assert answer.probabilities == pytest.approx([one(score) for one, score in maps])


def test_a_phase_without_lines_in_range_is_refused() -> None:
    with pytest.raises(InputError, match=r"rhenium: \d lines between"):
        train_model(shipped_phases(("rhenium",)), recipe_for(0.5608, (5.0, 14.0), PhasesRecipe(patterns=10)))
    with pytest.raises(InputError, match=r"bastnaesite: 0 lines between"):
        open_phases(PhasesSettings(two_theta=(1.5, 3.0)))


def test_cif_phases_federate_by_their_paths(tmp_path: Path) -> None:
    from fedbragg.simulation.powder import phase as shipped

    path = tmp_path / "mine.cif"
    path.write_text(Path(shipped.__file__).with_name("calcite.cif").read_text())
    task = open_phases(PhasesSettings(structures=("rhenium", str(path))))
    assert list(task.questions) == ["rhenium", "mine"]
    assert "mine" in task.options["structures"]  # where the file lies is nobody's business


def test_the_view_is_the_same_in_training_and_screening(tmp_path: Path, data: PhaseData) -> None:
    """Training and screening prepare alike: reading a file again gives the view that trained."""
    from fedbragg.bragg import two_theta_of
    from fedbragg.simulation.powder import simulate_pattern

    made = simulate_pattern(
        PHASES, np.array([True, False, False]), PowderConditions(), np.random.default_rng(1)
    ).pattern
    np.save(tmp_path / "p.npy", np.stack([two_theta_of(made.q, 0.5608), made.intensity]))
    again = read_pattern(tmp_path / "p.npy", 0.5608)
    np.testing.assert_allclose(prepare_pattern(again, SETTINGS), prepare_pattern(made, SETTINGS), atol=1e-5)
