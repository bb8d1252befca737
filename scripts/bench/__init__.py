"""Parts of the benchmarks: namespaces, a raw WebRTC peer, drivers for the servers that are compared."""
