"""
What can go wrong in the server, said without HTTP: the table in `problems.py` gives each its status and its words.

ServiceError                    `code` names it in the table, `text` says what happened in both languages
    RequestRefused              the client can mend it
        BadJson                 the body is not the JSON that it should be
        BadQuery                a query parameter is wrong
        KeyWrong                an `Idempotency-Key` that is none
        KeyReused               one that another request had
        PostInstead             a link asks for more than a link may
        BadDelivery             a header of a delivery is wrong or missing
        BodyTooLarge            more bytes than a body may have
        InputsTooLarge          more than an order to a centre may carry
        UploadTooLarge          a file larger than one may be
        UploadRefused           a file that is nothing that can be used, or not safe to open
        CostOverLimit           more to read or write than any job may
        BodyTooSlow             the body did not arrive in time
        WrongMediaType          a body of another type or encoding
        WrongForm               a form that is none of ours
        ConditionFailed         what the client says of a result does not hold
        RangeWrong              a range that the result does not have
        Forbidden               a signature that does not hold
        OffsetWrong             a delivery that does not go on where the last one ended
        DigestWrong             a delivery of which something else arrived than was sent
    NothingThere                what was asked for does not exist, or not any more
        NoSuchProcess, NoSuchJob, NoSuchOutput, NoSuchCentre, NoSuchCollection, NoSuchUpload
        ResultNotReady          the job is not finished yet
        ResultGone              it was dismissed, removed or has expired
        AlreadyDismissed        a second dismissal
    JobFailed                   what was asked for is the result of a job that failed
    Busy                        it may work later
        LinkTimedOut            what a link asked for was not done in time
        NoCentre                no centre holds the data
        StoreDown               the job store does not answer
        QueueFull               too much is waiting already
        TooManyQueued           too much of one owner is waiting already
        DepotDown               the centre that holds a result does not answer
        NoSpace                 there is no room for a delivery
"""

from collections.abc import Sequence
from typing import ClassVar

from gaia_config.sizes import render_size
from gaia_processes.errors import Fault
from gaia_processes.process import Estimate
from gaia_processes.text import Text

_SHOWN = 80


class ServiceError(Exception):
    """Something went wrong in the server."""

    code: str = "internal-error"
    default: ClassVar[Text] = Text(en="Something went wrong.", fr="Quelque chose n'a pas fonctionné.")

    def __init__(self, text: Text | None = None) -> None:
        self.text = text or self.default
        super().__init__(self.text.en)


class RequestRefused(ServiceError):
    """The client can mend it."""

    code = "bad-request"
    default = Text(en="The request cannot be read.", fr="La requête ne peut pas être lue.")


class BadJson(RequestRefused):
    """The body is not the JSON that it should be."""

    code = "invalid-json"
    default = Text(
        en='The body is not a JSON object; send one such as {"inputs": {…}}.',
        fr='Le corps n\'est pas un objet JSON ; envoyez-en un comme {"inputs": {…}}.',
    )


class BadQuery(RequestRefused):
    """
    Query parameters are wrong.

    Parameters
    ----------
    faults : sequence of Fault
        Everything that is wrong, by parameter (`input`).
    """

    code = "invalid-query-parameter-value"

    def __init__(self, text: Text | None = None, *, faults: Sequence[Fault] = ()) -> None:
        told = Text(
            en=" ".join(f"{fault.input}: {fault.problem.en}" for fault in faults),
            fr=" ".join(f"{fault.input} : {fault.problem.fr}" for fault in faults),
        )
        super().__init__(text or told)
        self.faults = tuple(faults)


class KeyWrong(RequestRefused):
    """An `Idempotency-Key` is not what it should be."""

    code = "invalid-idempotency-key"

    def __init__(self, keys: Sequence[str]) -> None:
        given = ", ".join(repr(key[:_SHOWN]) for key in keys[:2])
        super().__init__(
            Text(
                en=f"Idempotency-Key: {given} was given; send one, of 1 to 128 printable ASCII characters.",
                fr=f"Idempotency-Key : {given} est donné ; envoyez-en une seule, de 1 à 128 caractères ASCII imprimables.",
            )
        )


class KeyReused(RequestRefused):
    """An `Idempotency-Key` was sent before with another request."""

    code = "idempotency-key-reused"

    def __init__(self, key: str) -> None:
        super().__init__(
            Text(
                en=f"The Idempotency-Key {key!r} was sent before with another request; send a new key with a new request.",
                fr=f"La clé Idempotency-Key {key!r} a déjà accompagné une autre requête ; envoyez une nouvelle clé.",
            )
        )


class PostInstead(RequestRefused):
    """A link asks for more than a link may."""

    code = "post-instead"

    def __init__(self, *, estimate_s: float | None, limit_s: float) -> None:
        cost_en = "cannot be answered at once" if estimate_s is None else f"would take about {estimate_s:.0f} s"
        cost_fr = "ne peut pas répondre aussitôt" if estimate_s is None else f"demanderait environ {estimate_s:.0f} s"
        super().__init__(
            Text(
                en=f"This {cost_en}; a link is for what is done in {limit_s:g} s. POST the request to this address instead.",
                fr=f"Ceci {cost_fr} ; un lien sert à ce qui est fait en {limit_s:g} s. Envoyez la requête à cette adresse par POST.",
            )
        )


class BadDelivery(RequestRefused):
    """A header of a delivery is wrong or missing."""

    code = "invalid-delivery"


class BodyTooLarge(RequestRefused):
    """The body has more bytes than a body may have."""

    code = "body-too-large"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(
            Text(
                en=f"The body is larger than the {limit_bytes} bytes that are allowed.",
                fr=f"Le corps dépasse les {limit_bytes} octets autorisés.",
            )
        )


class UploadTooLarge(RequestRefused):
    """A file is larger than one may be."""

    code = "body-too-large"

    def __init__(self, limit_bytes: int) -> None:
        limit = render_size(limit_bytes)
        super().__init__(
            Text(
                en=f"The file is larger than {limit}, the most that can be uploaded; cut it, or ask a centre to publish it.",
                fr=f"Le fichier dépasse {limit}, le maximum pour un dépôt ; coupez-le, ou demandez à un centre de le publier.",
            )
        )


class UploadRefused(RequestRefused):
    """
    A file is nothing that can be used, or not safe to open.

    Parameters
    ----------
    code : str
        `unknown-upload-type`, `invalid-upload` or `unsafe-upload`.
    """

    code = "unknown-upload-type"

    def __init__(self, text: Text, *, code: str = code) -> None:
        super().__init__(text)
        self.code = code


class InputsTooLarge(RequestRefused):
    """The inputs are more than an order to a centre may carry."""

    code = "inputs-too-large"

    def __init__(self, size_bytes: int, *, limit_bytes: int) -> None:
        super().__init__(
            Text(
                en=f"The inputs make an order of {size_bytes} bytes; one to a centre has at most {limit_bytes}.",
                fr=f"Les entrées font un ordre de {size_bytes} octets ; un ordre à un centre en a au plus {limit_bytes}.",
            )
        )


class CostOverLimit(RequestRefused):
    """The work would read or write more than any job may."""

    code = "cost-over-limit"

    def __init__(self, cost: Estimate, *, read_limit_bytes: int, written_limit_bytes: int) -> None:
        read, written = cost.bytes_read, cost.bytes_written
        super().__init__(
            Text(
                en=f"This would read {read} bytes and write {written}; a job may read {read_limit_bytes} and write "
                f"{written_limit_bytes}. Ask for fewer variables, a smaller box or a shorter time.",
                fr=f"Ceci lirait {read} octets et en écrirait {written} ; une tâche peut en lire {read_limit_bytes} et en écrire "
                f"{written_limit_bytes}. Demandez moins de variables, une boîte plus petite ou une période plus courte.",
            )
        )


class BodyTooSlow(RequestRefused):
    """The body did not arrive in time."""

    code = "body-too-slow"
    default = Text(en="The body did not arrive in time.", fr="Le corps n'est pas arrivé à temps.")


class WrongMediaType(RequestRefused):
    """The body has a media type or an encoding that is not read here."""

    code = "wrong-media-type"
    default = Text(
        en="Send the body with Content-Type application/json, and without Content-Encoding.",
        fr="Envoyez le corps avec Content-Type application/json, et sans Content-Encoding.",
    )


class WrongForm(RequestRefused):
    """What was sent to a page is not the form that stands there."""

    code = "wrong-media-type"
    default = Text(
        en="This address takes the forms of our own pages only; send execute requests to /execution, as application/json.",
        fr="Cette adresse n'accepte que les formulaires de nos propres pages ; envoyez les requêtes d'exécution à /execution, "
        "en application/json.",
    )


class ConditionFailed(RequestRefused):
    """The result is not the one that the client speaks of."""

    code = "precondition-failed"
    default = Text(
        en="The result is not the one that If-Match or If-Unmodified-Since speaks of; ask without them for the one that is there.",
        fr="Le résultat n'est pas celui dont parle If-Match ou If-Unmodified-Since ; demandez sans eux celui qui est là.",
    )


class RangeWrong(RequestRefused):
    """The result has no such range of bytes."""

    code = "range-not-satisfiable"

    def __init__(self, size_bytes: int) -> None:
        super().__init__(
            Text(
                en=f"The result has {size_bytes} bytes; the range that was asked for lies outside.",
                fr=f"Le résultat compte {size_bytes} octets ; la plage demandée est en dehors.",
            )
        )
        self.size_bytes = size_bytes


class Forbidden(RequestRefused):
    """There is no right to do this."""

    code = "forbidden"
    default = Text(
        en="The signature of this address does not hold, or it has expired.",
        fr="La signature de cette adresse n'est pas valable, ou elle a expiré.",
    )


class NothingThere(ServiceError):
    """What was asked for does not exist, or not any more."""

    code = "not-found"
    default = Text(en="There is nothing at this address.", fr="Il n'y a rien à cette adresse.")


class _NotAmong(NothingThere):
    """An id that is not among those there are; the text lists them."""

    lack: ClassVar[Text]

    def __init__(self, given: str, *, known: Sequence[str] = ()) -> None:
        shown, listed = repr(given[:_SHOWN]), ", ".join(known)
        super().__init__(
            Text(
                en=f"{self.lack.en} {shown}" + (f"; there are: {listed}." if known else "."),
                fr=f"{self.lack.fr} {shown}" + (f" ; il y a : {listed}." if known else "."),
            )
        )


class NoSuchProcess(_NotAmong):
    """There is no such process."""

    code = "no-such-process"
    lack = Text(en="There is no process", fr="Il n'y a pas de traitement")


class NoSuchOutput(_NotAmong):
    """The job has no such output."""

    code = "no-such-output"
    lack = Text(en="The job has no output", fr="La tâche n'a pas de sortie")


class NoSuchCentre(_NotAmong):
    """There is no such centre."""

    code = "no-such-centre"
    lack = Text(en="There is no centre", fr="Il n'y a pas de centre")


class NoSuchCollection(_NotAmong):
    """There is no such dataset."""

    code = "no-such-collection"
    lack = Text(en="There is no dataset", fr="Il n'y a pas de jeu de données")


class NoSuchJob(NothingThere):
    """There is no such job, or it is somebody else's."""

    code = "no-such-job"
    default = Text(
        en="There is no such job, or its record has been removed.",
        fr="Cette tâche n'existe pas, ou son enregistrement a été supprimé.",
    )


class NoSuchUpload(NothingThere):
    """There is no such upload, or it is somebody else's, or has expired."""

    code = "no-such-upload"
    default = Text(
        en="There is no such upload, or it has expired; POST the file to /uploads again.",
        fr="Ce dépôt n'existe pas, ou il a expiré ; renvoyez le fichier par POST à /uploads.",
    )


class ResultNotReady(NothingThere):
    """The job is not finished yet."""

    code = "result-not-ready"
    default = Text(
        en="The job has not ended yet; its results come when it is successful.",
        fr="La tâche n'est pas encore terminée ; ses résultats viendront quand elle aura réussi.",
    )


class ResultGone(NothingThere):
    """The results were removed."""

    code = "result-not-available"
    default = Text(
        en="The results are no longer there: the job was dismissed, or its results were removed or have expired.",
        fr="Les résultats ne sont plus là : la tâche a été abandonnée, ou ses résultats ont été supprimés ou ont expiré.",
    )


class AlreadyDismissed(NothingThere):
    """The job was dismissed before."""

    code = "already-dismissed"
    default = Text(
        en="The job was dismissed before; there is nothing left to dismiss.",
        fr="La tâche a déjà été abandonnée ; il n'y a plus rien à abandonner.",
    )


class JobFailed(ServiceError):
    """
    A job failed; its results are the account of it.

    Parameters
    ----------
    code : str
        The cause, as the worker or the reconciler named it.
    centre : str
        Where it failed.
    attempt : int
        Which attempt was the last.
    """

    def __init__(self, text: Text, *, code: str, job_id: str, centre: str, attempt: int) -> None:
        super().__init__(text)
        self.code = code
        self.job_id = job_id
        self.centre = centre
        self.attempt = attempt


class Busy(ServiceError):
    """It may work later."""

    code = "busy"
    default = Text(
        en="The service cannot take this now; try again in a moment.",
        fr="Le service ne peut pas accepter cette demande maintenant ; réessayez dans un instant.",
    )
    retry_after_s: ClassVar[int] = 10


class LinkTimedOut(Busy):
    """What a link asked for was not done in time."""

    code = "link-timeout"
    default = Text(
        en="The run took longer than it should have and was stopped, for a link leaves no job behind. POST the request instead, "
        "or try again.",
        fr="L'exécution a duré plus que prévu et a été arrêtée, car un lien ne laisse pas de tâche derrière lui. Envoyez la "
        "requête par POST, ou réessayez.",
    )


class NoCentre(Busy):
    """No centre can do the work."""

    code = "no-centre"
    default = Text(
        en="No centre can do this at the moment: none that holds the data is in service.",
        fr="Aucun centre ne peut faire cela pour le moment : aucun de ceux qui détiennent les données n'est en service.",
    )


class StoreDown(Busy):
    """The job store does not answer."""

    code = "store-down"
    default = Text(
        en="The job store does not answer; nothing was accepted. Try again in a moment.",
        fr="Le registre des tâches ne répond pas ; rien n'a été accepté. Réessayez dans un instant.",
    )


class QueueFull(Busy):
    """Too much is waiting already."""

    code = "queue-full"
    default = Text(
        en="Too many jobs are waiting already; try again later.",
        fr="Trop de tâches sont déjà en attente ; réessayez plus tard.",
    )
    retry_after_s = 60


class TooManyQueued(Busy):
    """Too much of one owner is waiting already."""

    code = "too-many-queued"
    retry_after_s = 30

    def __init__(self, most: int) -> None:
        super().__init__(
            Text(
                en=f"{most} of your jobs are waiting already, and no more may; try again when some of them have begun, or dismiss "
                "some.",
                fr=f"{most} de vos tâches sont déjà en attente, le maximum ; réessayez quand certaines auront commencé, ou "
                "abandonnez-en.",
            )
        )


class DepotDown(Busy):
    """The centre that holds a result does not answer."""

    code = "depot-down"
    default = Text(
        en="The centre that holds this result does not answer at the moment; the result is not lost.",
        fr="Le centre qui détient ce résultat ne répond pas pour le moment ; le résultat n'est pas perdu.",
    )


class NoSpace(Busy):
    """There is no room for a delivery."""

    code = "no-space"
    default = Text(
        en="There is no room for this delivery at the moment.",
        fr="Il n'y a pas de place pour cette livraison pour le moment.",
    )
    retry_after_s = 60


class OffsetWrong(RequestRefused):
    """It does not go on where the last delivery ended."""

    code = "delivery-offset"

    def __init__(self, offset: int) -> None:
        super().__init__(
            Text(en=f"{offset} bytes have arrived; go on there.", fr=f"{offset} octets sont arrivés ; continuez là.")
        )
        self.offset = offset


class DigestWrong(RequestRefused):
    """What arrived is not what was sent."""

    code = "delivery-digest"
    default = Text(
        en="The digest of what arrived is not the one that was announced; send it again.",
        fr="L'empreinte de ce qui est arrivé n'est pas celle annoncée ; renvoyez le fichier.",
    )
