"""`make hostile`: the service against files that mean it harm, and many that do not."""
