"""Every code of the product with its sentences, gathered for the edges that show refusals of any story.

Takes in sentences and nothing else, so that a no at the terminal is as quick as the command that says it.
"""

from enclave.application.codes import CODES as APPLICATION
from enclave.audit.codes import CODES as AUDIT
from enclave.catalogue.codes import CODES as CATALOGUE
from enclave.core.refusal import CODES as CORE
from enclave.core.refusal import Wording
from enclave.custody.codes import CODES as CUSTODY
from enclave.demo.codes import CODES as DEMO
from enclave.disclosure.codes import CODES as DISCLOSURE
from enclave.export.codes import CODES as EXPORT
from enclave.gateway.codes import CODES as GATEWAY
from enclave.hub.codes import CODES as HUB
from enclave.operation_codes import CODES as OPERATION
from enclave.portal.codes import CODES as PORTAL
from enclave.query.codes import CODES as QUERY
from enclave.rehearsal.codes import CODES as REHEARSAL
from enclave.synth.codes import CODES as SYNTH

WORDINGS: dict[str, Wording] = {
    **CORE, **APPLICATION, **AUDIT, **CATALOGUE, **CUSTODY, **DISCLOSURE, **EXPORT, **GATEWAY, **HUB, **PORTAL, **QUERY,
    **REHEARSAL, **SYNTH, **OPERATION, **DEMO,
}  # fmt: skip
