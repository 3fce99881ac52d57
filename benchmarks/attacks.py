r"""Attack what leaves a site, and attack a federation from one site.

    .venv/bin/python benchmarks/attacks.py leaks      # what each setting reveals about one site's labels and detector
    .venv/bin/python benchmarks/attacks.py members    # whether a frame was trained on
    .venv/bin/python benchmarks/attacks.py final      # what the last model of a federation reveals
    .venv/bin/python benchmarks/attacks.py pictures   # what a gradient shows of the pictures
    .venv/bin/python benchmarks/attacks.py hostile    # what one hostile site in five does

The sites are drawn from simulated frames of the five named facilities (baselines/privacy_sites.py), 48 frames each.
spotnet is trained from the public start model as a site trains it; nothing real is attacked. Five seeds; intervals are
95 % of Student's t over seeds.

members, final and pictures are made of jobs, --processes at a time. Each job keeps its result in the folder --keep, so
a study can be interrupted, moved, and ended elsewhere. On a machine with 16 cores and one H100, which pictures uses:

    export PYTHONPATH=src:benchmarks
    run() { python3 benchmarks/attacks.py --keep OUT --frames /tmp/frames "$@"; }
    run pictures --device cuda --processes 5 &
    run frames && { run members --processes 6 & run final --processes 5 & wait; } & wait

It needs pydantic, gemmi and hdf5plugin beside torch and scipy.

Members takes about 700 CPU seconds and final 500. With what there is after less, --models 40 or --shadows 26 makes
the tables. Run the same words with --publish to end a study from its folder.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from statistics import mean, stdev

import torch

from baselines.privacy_hostile import ATTACKS, DEFENCES, damage
from baselines.privacy_jobs import Job, Result, missing, results
from baselines.privacy_leaks import SHADOWS, TARGETS, inversion, label_and_detector
from baselines.privacy_members import CANDIDATES, member_jobs, members_found
from baselines.privacy_pictures import COPIED, COUNT, Effort, facility_pictures, picture_jobs
from baselines.privacy_rounds import BARRIERS, final_jobs, guessed
from baselines.privacy_sites import FOLDER, NAMES, drawn_sites, kept, pools
from baselines.privacy_updates import EPOCHS, FRAMES
from fedbragg.progress import bars
from harness import Table, markdown, publish, with_kept

SEEDS = (0, 1, 2, 3, 4)
STUDENT_T = 2.776  # 97.5th percentile, 4 degrees of freedom
MODELS = 65  # of membership: each is attacked with the 64 others as shadows


# Tables


def interval(values: Sequence[float]) -> str:
    spread = STUDENT_T * stdev(values) / len(values) ** 0.5 if len(values) == len(SEEDS) else float("nan")
    return f"{mean(values):.3f} ± {spread:.3f}"


def leaks(options: argparse.Namespace) -> list[Table]:
    found, labels, copies = pools(options.frames), [], []
    with bars() as progress:
        step = progress.stage("Attacking", 2 * len(options.seeds))
        for seed in options.seeds:
            for made, attack in ((labels, label_and_detector), (copies, inversion)):
                made.append(kept(f"{attack.__name__} {seed}", partial(attack, found, seed)))
                step()
    rows = []
    for name in labels[0]:
        columns = list(zip(*(result[name] for result in labels), strict=True))
        rows.append([name, *(interval(column) for column in columns)])
    return [
        Table(
            "What does an update tell about a site's labels and its detector?",
            ["what is seen", "error of the hit share", "blind error", "detector guessed", "by chance"],
            rows,
            [
                f"{SHADOWS} shadow updates to learn from, {TARGETS} to attack, {FRAMES} frames a site; a share is "
                "uniform from 0.1 to 0.9. One of the five sites in a sum is attacked; it makes up a fifth of the sum."
            ],
        ),
        Table(
            "How many of a site's peaks can be copied out of what leaves it?",
            ["what is seen", "share of peaks found, to 1 %"],
            [[name, interval([result[name] for result in copies])] for name in copies[0]],
            [
                "Weights over bias of the first layer. The first step of Adam, with which sites train, is signs."
            ],
        ),
    ]


# Studies of many jobs


def frames(options: argparse.Namespace) -> list[Table]:
    """Simulate what members and final attack, before both do; this takes minutes."""
    pools(options.frames)
    return []


def members(options: argparse.Namespace) -> list[Table]:
    jobs = {seed: member_jobs(seed, options.models, options.frames) for seed in options.seeds}
    made = by_seed(options, jobs, lambda: pools(options.frames))
    found = [members_found(seed, made[seed]) for seed in options.seeds]
    return [
        Table(
            "Does an update tell whether a frame was trained on (LiRA)?",
            ["what is seen", "members found at 1 % false", "at 10 % false"],
            [[name, *(interval([one[name][i] for one in found]) for i in (0, 1))] for name in found[0]],
            [
                f"{options.models} models, each on a random half of {CANDIDATES} frames and attacked with all others "
                f"as shadows. Chance is 0.010 and 0.100. A federation has {BARRIERS} barriers of {EPOCHS} epochs and "
                "five sites; the attacker knows the other four's frames."
            ],
        )
    ]


def final(options: argparse.Namespace) -> list[Table]:
    count = options.shadows + options.shadows // 2
    jobs = {seed: final_jobs(seed, count, options.frames) for seed in options.seeds}
    made = by_seed(options, jobs, lambda: pools(options.frames))
    columns = zip(*(guessed(made[seed], options.shadows) for seed in options.seeds), strict=True)
    return [
        Table(
            "What does the final model alone tell about one of five sites?",
            ["what is seen", "error of the hit share", "blind error", "detector guessed", "by chance"],
            [[f"final model after {BARRIERS} barriers", *(interval(column) for column in columns)]],
            [
                f"{options.shadows} shadow federations to learn from, {count - options.shadows} to attack, each of "
                f"five new sites with {FRAMES} frames; a share is uniform from 0.1 to 0.9."
            ],
        )
    ]


def pictures(options: argparse.Namespace) -> list[Table]:
    effort = Effort(options.device, options.steps, options.batch)
    jobs = {seed: picture_jobs(seed, options.frames, effort) for seed in options.seeds}
    made = by_seed(options, jobs, lambda: [facility_pictures(options.frames, n) for n in range(len(NAMES))])
    rows = []
    for number, job in enumerate(jobs[options.seeds[0]]):
        found = [made[seed][number] for seed in options.seeds]
        keys = ("copied", "correlation", "other correlation", "coarse", "other coarse", "brightest")
        rows.append([job.name.split(" ", 2)[2], *(interval([one[key] for one in found]) for key in keys)])
    return [
        Table(
            "Which pictures come back from the gradient of Ke et al.'s network?",
            ["attack and what is seen", "copied", "correlation", "with another frame", "of blocks of 16 x 16",
             "with another frame", "brightest pixels found"],
            rows,
            [
                f"Copied: within {COPIED:g} of the frame's length. Of a frame's 100 brightest pixels, those among the "
                f"100 brightest of what came back. {options.steps} steps; 720 x 720 pixels, new network, labels given. "
                f"A large step has {options.batch} frames of one site."
            ],
        )
    ]  # fmt: skip


def by_seed(
    options: argparse.Namespace, jobs: Mapping[int, Sequence[Job]], simulate: Callable[[], object]
) -> dict[int, list[Result]]:
    """Return the results of the jobs of all seeds, which take turns: a study cut short has as many of each.

    Frames are simulated first where a job needs them: else each would simulate its own.
    """
    in_turn = [job for same in zip(*jobs.values(), strict=True) for job in same]
    if missing(in_turn, options.keep):
        simulate()
    made = dict(zip(in_turn, results(in_turn, options.keep, options.processes), strict=True))
    return {seed: [made[job] for job in one] for seed, one in jobs.items()}


def hostile(options: argparse.Namespace) -> list[Table]:
    found, seeds, damages = pools(options.frames), options.seeds, {}
    with bars() as progress:
        step = progress.stage("One hostile site", len(seeds) * len(ATTACKS) * len(DEFENCES))
        for seed in seeds:
            sites = drawn_sites(found, seed)
            for attack in ATTACKS:
                for defence in DEFENCES:
                    run = partial(damage, sites, found.start, attack, defence, seed)
                    name = f"hostile {seed} {attack} {defence}"
                    damages.setdefault((attack, defence), []).append(
                        kept(name, lambda run=run: asdict(run()))
                    )
                    step()
    rows = [
        [
            attack,
            defence,
            *(interval([one[kind] for one in many]) for kind in ("accuracy", "triggered")),
            f"{mean(one['withdrawn'] for one in many):.1f}",
        ]
        for (attack, defence), many in damages.items()
    ]
    return [
        Table(
            "What does one hostile site in five do to the others?",
            [
                "attack",
                "defence",
                "balanced accuracy",
                "misses with the trigger taken for hits",
                "models withdrawn",
            ],
            rows,
            [
                "Mean over the four honest sites, each with the model that it keeps, on 80 frames of its own test."
            ],
        )
    ]


STUDIES: dict[str, Callable[[argparse.Namespace], list[Table]]] = {
    "frames": frames,
    "leaks": leaks,
    "members": members,
    "final": final,
    "pictures": pictures,
    "hostile": hostile,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("studies", nargs="*", metavar="STUDY", help="all where none is given")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--keep", type=Path, default=FOLDER / "results", help="folder of the jobs' results")
    parser.add_argument("--frames", type=Path, default=FOLDER, help="folder of the simulated frames")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--device", default="cpu", help="where pictures are attacked: cpu or cuda")
    parser.add_argument("--models", type=int, default=MODELS, help="of membership")
    parser.add_argument("--shadows", type=int, default=SHADOWS, help="federations of final to learn from")
    parser.add_argument("--steps", type=int, default=1000, help="of an attack on pictures")
    parser.add_argument("--batch", type=int, default=COUNT, help="pictures in the large step")
    parser.add_argument("--publish", action="store_true", help="write the tables to results/attacks.json")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name in options.studies or list(STUDIES):
        made = STUDIES[name](options)
        for table in made:
            if options.publish:
                publish("attacks", with_kept("attacks", table))
            else:
                print(f"\n{table.question}\n{markdown(table)}")


if __name__ == "__main__":
    main()
