{{ union_crms('exchange_rates') }}
