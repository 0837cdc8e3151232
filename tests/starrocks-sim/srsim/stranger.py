# SPDX-License-Identifier: Apache-2.0
"""A web server that is no part of the cluster, for an ErrorURL to point to: it must see no credentials."""


class Stranger:
    def __init__(self, cluster):
        self.cluster = cluster

    def serve(self, connection):
        request = connection.read_head(1 << 16)
        if request is None:
            return
        record = self.cluster.audit.open_request("stranger", request)
        if "authorization" in request.headers:
            self.cluster.audit.violation("credentials_to_stranger", "Authorization sent to a foreign host", record)
        connection.reply(200, "OK", b"Error: nothing to see. Row: []\n", "text/plain", close=True)
