"""``fedbragg phases`` as a new user runs it."""

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fedbragg.bragg import two_theta_of
from fedbragg.cli import main
from fedbragg.images import write_run
from fedbragg.simulation.powder import PowderConditions, shipped_phases, simulate_pattern
from fedbragg.tasks.phases import default_model
from fedbragg.tasks.phases.model_file import Identifier
from fedbragg.types import Geometry

DATA = Path(os.environ.get("FEDBRAGG_DATA", Path(__file__).parents[3] / "shared" / "data"))
MEASURED = DATA / "micro-xrd-hydrothermal"
PHASES = shipped_phases()
CLEAR = PowderConditions(
    strength=(300.0, 600.0), grains=(50.0, 300.0), unlisted=0.0, strays=0, diamond=0.0, cut=0.0
)


def save_pattern(path: Path, shows: list[bool], seed: int, wavelength: float = 0.5608) -> Path:
    made = simulate_pattern(PHASES, np.array(shows), CLEAR, np.random.default_rng(seed)).pattern
    np.save(path, np.stack([two_theta_of(made.q, wavelength), made.intensity]))
    return path


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_clear_patterns_are_identified(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = [
        [True, False, False],
        [False, True, False],
        [False, False, True],
        [True, True, False],
        [False] * 3,
    ]
    files = [save_pattern(tmp_path / f"p{k}.npy", shows, k) for k, shows in enumerate(shown)]
    assert main(["phases", "identify", *map(str, files), "--out", str(tmp_path / "out")]) == 0
    rows = table(tmp_path / "out" / "phases.csv")
    assert list(rows[0]) == ["path", "bastnaesite", "calcite", "rhenium"]
    assert [row["path"] for row in rows] == [str(file) for file in files]
    found = [[float(row[phase.name]) >= 0.5 for phase in PHASES] for row in rows]
    assert found == shown
    for k in range(5):
        assert (tmp_path / "out" / "plots" / f"p{k}.png").read_bytes().startswith(b"\x89PNG")
    assert "bastnaesite  2" in capsys.readouterr().out


def test_labels_give_a_report_and_the_same_figures_as_evaluate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = [[True, False, False], [False, True, False], [False, False, True], [False] * 3]
    files = [str(save_pattern(tmp_path / f"p{k}.npy", shows, k)) for k, shows in enumerate(shown)]
    rows = [f"p{k}.npy,{','.join(str(int(one)) for one in shows)}" for k, shows in enumerate(shown)]
    labels = tmp_path / "labels.csv"
    labels.write_text("\n".join(["path,bastnaesite,calcite,rhenium", *rows]))
    options = ["--labels", str(labels), "--no-plots", "--out", str(tmp_path / "out")]
    assert main(["phases", "identify", *files, *options]) == 0
    report = (tmp_path / "out" / "report.html").read_text()
    assert report.count("1 of 4") == 3
    assert report.count("1.000 [") >= 9  # accuracy, balanced accuracy and AUC of each phase
    assert "report.html" in capsys.readouterr().out
    model = str(default_model())
    assert main(["evaluate", *files, "--labels", str(labels), "--model", model]) == 0
    said = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert said["accuracy"].startswith("1.000")
    assert "score" in said["Brier"]


def test_a_table_of_labels_without_the_models_phases_is_refused_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = save_pattern(tmp_path / "p.npy", [True, False, False], 1)
    (tmp_path / "labels.csv").write_text("path,quartz\np.npy,1\n")
    options = ["--labels", str(tmp_path / "labels.csv"), "--out", str(tmp_path / "out")]
    assert main(["phases", "identify", str(file), *options]) == 2
    assert "no column 'bastnaesite'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_another_wavelength_is_converted(tmp_path: Path) -> None:
    file = save_pattern(tmp_path / "cu.npy", [False, True, False], 1, wavelength=1.5406)
    said = []
    for wavelength in ("1.5406", "1.6"):  # the second is off by four hundredths: no comb reaches that far
        options = ["--wavelength", wavelength, "--out", str(tmp_path), "--no-plots"]
        assert main(["phases", "identify", str(file), *options]) == 0
        said.append(float(table(tmp_path / "phases.csv")[0]["calcite"]))
    assert said[0] > 0.9
    assert said[1] < 0.5


def test_frames_of_one_file_are_identified_by_their_number(tmp_path: Path) -> None:
    pytest.importorskip("pyFAI", reason="pip install 'fedbragg[phases]'")
    write_run(
        tmp_path / "scan.h5",
        [rings([True, False, False], 1), rings([False, False, True], 2)],
        geometry=Geometry(None, 0.5608, 0.15, (500.0, 500.0), (2e-4, 2e-4)),
    )
    names = [f"{tmp_path / 'scan.h5'}:{frame}" for frame in (0, 1)]
    assert main(["phases", "identify", *names, "--out", str(tmp_path / "out")]) == 0
    rows = table(tmp_path / "out" / "phases.csv")
    assert [row["path"] for row in rows] == names
    found = [[float(row[phase.name]) >= 0.5 for phase in PHASES] for row in rows]
    assert found == [[True, False, False], [False, False, True]]
    assert {plot.name for plot in (tmp_path / "out" / "plots").iterdir()} == {"scan-0.png", "scan-1.png"}


def rings(shows: list[bool], seed: int) -> NDArray[np.uint16]:
    """Draw a simulated pattern as rings on a detector of 1000 x 1000 pixels of 0.2 mm, 150 mm from the sample."""
    made = simulate_pattern(PHASES, np.array(shows), CLEAR, np.random.default_rng(seed)).pattern
    rows, cols = np.mgrid[:1000, :1000] - 500
    two_theta = np.degrees(np.arctan(np.hypot(rows, cols) * 2e-4 / 0.15))
    drawn = np.interp(two_theta, two_theta_of(made.q, 0.5608), made.intensity)
    return np.round(drawn * 10_000 / drawn.max()).astype(np.uint16)


def test_unreadable_patterns_have_empty_rows_and_exit_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = save_pattern(tmp_path / "good.npy", [True, False, False], 1)
    (tmp_path / "bad.xy").write_text("1\n2\n")
    code = main(
        [
            "phases",
            "identify",
            str(tmp_path / "bad.xy"),
            str(good),
            "--out",
            str(tmp_path / "o"),
            "--no-plots",
        ]
    )
    assert code == 3
    rows = table(tmp_path / "o" / "phases.csv")
    assert list(rows[0].values())[1:] == ["", "", ""]
    assert float(rows[1]["bastnaesite"]) > 0.5
    assert "bad.xy: one column only" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("none.xy", None),
        ("empty.xy", b""),
        ("text.csv", b"hello"),
        ("nan.xy", b"1 nan\n" * 80),
        ("image.tif", b"no"),
    ],
)
def test_if_the_only_pattern_is_unreadable_the_command_fails_with_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes | None
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    assert main(["phases", "identify", str(path), "--out", str(tmp_path / "o")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("fedbragg: ")
    assert name in error
    assert error.count("\n") == 1


def test_twenty_unreadable_patterns_are_listed_and_the_rest_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = [tmp_path / f"{k}.xy" for k in range(23)]
    for file in bad:
        file.touch()
    good = save_pattern(tmp_path / "good.npy", [False] * 3, 1)
    options = ["--out", str(tmp_path / "out"), "--no-plots"]
    assert main(["phases", "identify", *map(str, bad), str(good), *options]) == 3
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 21
    assert lines[-1] == "fedbragg: and 3 more, whose rows are empty"


def test_a_model_of_another_task_and_a_bad_out_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from fedbragg.tasks.hits import default_model

    good = save_pattern(tmp_path / "good.npy", [True, False, False], 1)
    assert main(["phases", "identify", str(good), "--model", str(default_model())]) == 2
    assert "not of phases" in capsys.readouterr().err
    assert main(["phases", "identify", str(good), "--out", str(good)]) == 2
    assert "Give another --out" in capsys.readouterr().err


def test_dollar_signs_in_a_file_name_are_not_read_as_a_formula(tmp_path: Path) -> None:
    path = save_pattern(tmp_path / "run$1_$2.npy", [True, False, False], 1)
    assert main(["phases", "identify", str(path), "--out", str(tmp_path / "o")]) == 0
    assert (tmp_path / "o" / "plots" / "run$1_$2.png").is_file()


def test_plots_of_files_with_the_same_name_are_all_kept(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        save_pattern(tmp_path / folder / "same.npy", [True, False, False], 1)
    files = [str(tmp_path / folder / "same.npy") for folder in ("a", "b")]
    assert main(["phases", "identify", *files, "--out", str(tmp_path / "o")]) == 0
    assert sorted(p.name for p in (tmp_path / "o" / "plots").iterdir()) == ["same-2.png", "same.png"]


@pytest.mark.slow
def test_a_model_is_trained_from_cifs(tmp_path: Path) -> None:
    from fedbragg.simulation.powder import phase

    for name in ("calcite", "rhenium"):
        (tmp_path / f"{name}.cif").write_text(Path(phase.__file__).with_name(f"{name}.cif").read_text())
    cifs = [part for name in ("rhenium", "calcite") for part in ("--cif", str(tmp_path / f"{name}.cif"))]
    model = tmp_path / "m.onnx"
    options = ["--wavelength", "0.7", "--patterns", "200", "--epochs", "1", "--out", str(model)]
    assert main(["phases", "train", *cifs, *options]) == 0
    card = Identifier(model).card
    assert card.names == ("rhenium", "calcite")
    assert card.wavelength == 0.7
    file = save_pattern(tmp_path / "p.npy", [False, True, False], 1, wavelength=0.7)
    assert main(["phases", "identify", str(file), "--model", str(model), "--out", str(tmp_path / "o")]) == 0
    assert list(table(tmp_path / "o" / "phases.csv")[0]) == ["path", "rhenium", "calcite"]


def test_phases_train_refuses_missing_cifs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["phases", "train", "--cif", str(tmp_path / "no.cif"), "--wavelength", "0.5"]) == 2
    assert "no.cif: no such file" in capsys.readouterr().err
    assert main(["phases", "train", "--wavelength", "0.5"]) == 2


@pytest.mark.slow
def test_the_same_settings_file_federates_phases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for k, site in enumerate("abc"):
        folder = tmp_path / site
        folder.mkdir()
        rows = ["path,bastnaesite,calcite,rhenium"]
        for number in range(15):
            shows = [bool((number + 1) >> bit & 1) and bit != k for bit in range(3)]
            save_pattern(folder / f"p{number}.npy", shows, 100 * k + number)
            rows.append(f"p{number}.npy," + ",".join(str(int(s)) for s in shows))
        (folder / "labels.csv").write_text("\n".join(rows))
    sites = "".join(f'[[sites]]\nname = "{s}"\nruns = ["{s}"]\nlabels = "{s}/labels.csv"\n' for s in "abc")
    text = (
        'task = "phases"\n[phases]\npublic_patterns = 60\npublic_epochs = 1\n'
        "[training]\nwarmup_epochs = 1\nepochs = 1\n"
        "[federation]\nbarriers = 2\n" + sites
    )
    (tmp_path / "federation.toml").write_text(text)
    assert main(["federate", str(tmp_path / "federation.toml"), "--out", str(tmp_path / "out")]) == 0
    card = Identifier(tmp_path / "out" / "model.onnx").card
    assert card.names == ("bastnaesite", "calcite", "rhenium")
    assert str(tmp_path) not in json.dumps(dict(card.provenance))
    assert (tmp_path / "out" / "report.html").is_file()


@pytest.mark.skipif(not MEASURED.is_dir(), reason="the measured micro-XRD patterns are not here")
@pytest.mark.parametrize("kind", ["unmasked", "masked"])
def test_measured_patterns_are_identified(tmp_path: Path, kind: str) -> None:
    files = sorted((MEASURED / kind).glob("*.npy"))
    assert main(["phases", "identify", *map(str, files), "--out", str(tmp_path), "--no-plots"]) == 0
    right = []
    for row in table(tmp_path / "phases.csv"):
        letters = Path(row["path"]).stem.split("_")[1]
        truth = ["b" in letters, "c" in letters, "r" in letters]
        right.append([(float(row[p.name]) >= 0.5) == shown for p, shown in zip(PHASES, truth, strict=True)])
    assert np.mean(right) >= 0.9
