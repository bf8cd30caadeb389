"""What GrandVPS keeps secret. It opens nothing but the sample on this machine."""

PASSWORD = "canary-7f3a-of-grandvps"  # noqa: S105 - shown nowhere by Opsbell, which is its use
SECRET_KEY = "canary-django-key-51c9e0"  # noqa: S105 - nor does this open anything
