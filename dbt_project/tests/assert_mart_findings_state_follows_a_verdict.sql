-- What is found is followed up or put aside with a reason; what is clear is never new; what is solved is not found.
select *
from {{ ref('mart_findings') }}
where
    (status = 'found' and coalesce(state, 'none') not in ('new', 'open', 'suppressed'))
    or (status = 'clear' and state = 'new')
    or (state = 'solved' and (solved_on is null or status = 'found'))
    or (coalesce(state = 'suppressed', false) <> (suppressed_until is not null))
