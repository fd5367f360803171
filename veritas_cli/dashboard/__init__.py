"""Dashboard of Grafana for the metrics of Veritas."""
