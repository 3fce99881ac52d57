"""Submit a job with code of its own, as FLARE's lead may: KIT JOB; prints the outcome as JSON."""

from __future__ import annotations

import json
import sys
import time

from nvflare.fuel.flare_api.flare_api import new_secure_session

WAIT = 90
"""Seconds for the sites to come back and the job to be handed out: FLARE tries again at growing intervals."""


def main(kit: str, job: str) -> None:
    session = new_secure_session("coordinator@fedbragg.local", kit, timeout=20)
    try:
        result = outcome(session, session.submit_job(job))
    except Exception as error:
        result = {"refused": f"{type(error).__name__}: {error}"}
    finally:
        session.close()
    print(json.dumps(result), flush=True)


def outcome(session, job: str) -> dict[str, object]:
    for _ in range(WAIT * 2):
        meta = session.get_job_meta(job)
        if meta["status"].startswith("FINISHED") or meta.get("job_deploy_detail"):
            break
        time.sleep(0.5)
    time.sleep(1.0)
    meta = session.get_job_meta(job)
    return {
        "status": meta["status"],
        "detail": meta.get("job_deploy_detail"),
        "schedule": meta.get("schedule_history"),
    }


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
