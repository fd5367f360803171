"""Archives of monitoring's events: Parquet files of closed months, with a manifest each."""
