"""The doctor: looks at everything that Opsbell stands on and says what is wrong."""
