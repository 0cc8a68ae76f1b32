"""Mail in and out: Postfix as MX behind postscreen, submission, and outgoing mail with DANE."""
