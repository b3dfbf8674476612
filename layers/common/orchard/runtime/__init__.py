"""What every function stands on: settings, database, API edge, callbacks, jobs, queues, sessions, outbox, logs."""
