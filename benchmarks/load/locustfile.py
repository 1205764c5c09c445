"""The same load by Locust: KEY=pk_… locust -f benchmarks/load/locustfile.py --host http://…

--headless --users 1000 --spawn-rate 100 --run-time 5m
"""

import os

from locust import FastHttpUser, constant_pacing, task

IDS = os.environ.get("CUSTOMER_IDS", "C000001,C000002,C000003").split(",")


class Reader(FastHttpUser):
    wait_time = constant_pacing(1)

    def on_start(self):
        self.headers = {"Authorization": f"Bearer {os.environ['KEY']}"}
        self.asked = 0

    @task
    def score(self):
        self.asked += 1
        who = IDS[self.asked % len(IDS)]
        self.client.get(
            f"/v1/customers/{who}/score",
            headers=self.headers,
            name="/v1/customers/{customer_id}/score",
        )
