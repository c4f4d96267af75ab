"""The SQL of fleet_svc, one aggregate a module; decides nothing and knows no contract."""
