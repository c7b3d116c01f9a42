"""The local engine several times: on the devices of one machine, or on the nodes of a cluster."""
