"""GrandVPS: the sample application of Opsbell's demo. It knows nothing of Opsbell."""
