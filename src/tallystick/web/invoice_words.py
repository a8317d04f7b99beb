"""What the public page of an invoice says that its paper does not, in each language that papers are in."""

from __future__ import annotations

from typing import Final

from msgspec import Struct


class PageWords(Struct, frozen=True, kw_only=True):
    """One language."""

    open: str
    overdue: str
    settled: str
    credited: str
    pdf: str
    xml: str
    files: str
    """Above the timesheet and the receipts."""
    everything: str
    scan: str
    """Below a code that leads to the page."""
    by_card: str
    fee: str
    """`plus a card fee of {amount}`."""
    gone: str
    gone_why: str


WORDS: Final[dict[str, PageWords]] = {
    "en": PageWords(
        open="Open",
        overdue="Overdue",
        settled="Paid",
        credited="Credited",
        pdf="Download PDF",
        xml="Download XML",
        files="Supporting documents",
        everything="Download all (ZIP)",
        scan="Scan to open this page",
        by_card="Pay by card",
        fee="plus a card fee of {amount}",
        gone="No invoice here",
        gone_why="It was withdrawn, or has another address now.",
    ),
    "de": PageWords(
        open="Offen",
        overdue="Überfällig",
        settled="Bezahlt",
        credited="Gutgeschrieben",
        pdf="PDF herunterladen",
        xml="XML herunterladen",
        files="Weitere Unterlagen",
        everything="Alles herunterladen (ZIP)",
        scan="Scannen, um diese Seite zu öffnen",
        by_card="Mit Karte zahlen",
        fee="zuzüglich Kartengebühr von {amount}",
        gone="Hier ist keine Rechnung",
        gone_why="Sie wurde zurückgezogen, oder hat jetzt eine andere Adresse.",
    ),
    "fr": PageWords(
        open="À régler",
        overdue="En retard",
        settled="Payée",
        credited="Crédité",
        pdf="Télécharger le PDF",
        xml="Télécharger le XML",
        files="Pièces justificatives",
        everything="Tout télécharger (ZIP)",
        scan="Scannez pour ouvrir cette page",
        by_card="Payer par carte",
        fee="plus {amount} de frais de carte",
        gone="Aucune facture ici",
        gone_why="Elle a été retirée, ou a maintenant une autre adresse.",
    ),
    "es": PageWords(
        open="Pendiente",
        overdue="Vencida",
        settled="Pagada",
        credited="Abonado",
        pdf="Descargar PDF",
        xml="Descargar XML",
        files="Documentos justificativos",
        everything="Descargar todo (ZIP)",
        scan="Escanee para abrir esta página",
        by_card="Pagar con tarjeta",
        fee="más un recargo por tarjeta de {amount}",
        gone="Aquí no hay ninguna factura",
        gone_why="Se ha retirado, o ahora tiene otra dirección.",
    ),
    "it": PageWords(
        open="Da pagare",
        overdue="Scaduta",
        settled="Pagata",
        credited="Accreditato",
        pdf="Scarica PDF",
        xml="Scarica XML",
        files="Documenti giustificativi",
        everything="Scarica tutto (ZIP)",
        scan="Scansionare per aprire questa pagina",
        by_card="Paga con carta",
        fee="più una commissione carta di {amount}",
        gone="Qui non c'è nessuna fattura",
        gone_why="È stata ritirata, o ora ha un altro indirizzo.",
    ),
    "nl": PageWords(
        open="Openstaand",
        overdue="Te laat",
        settled="Betaald",
        credited="Gecrediteerd",
        pdf="PDF downloaden",
        xml="XML downloaden",
        files="Bijlagen",
        everything="Alles downloaden (ZIP)",
        scan="Scan om deze pagina te openen",
        by_card="Betalen met kaart",
        fee="plus {amount} kaartkosten",
        gone="Hier is geen factuur",
        gone_why="Ze is ingetrokken, of heeft nu een ander adres.",
    ),
    "pt": PageWords(
        open="Em aberto",
        overdue="Vencida",
        settled="Paga",
        credited="Creditado",
        pdf="Descarregar PDF",
        xml="Descarregar XML",
        files="Documentos de suporte",
        everything="Descarregar tudo (ZIP)",
        scan="Leia o código para abrir esta página",
        by_card="Pagar com cartão",
        fee="mais uma taxa de cartão de {amount}",
        gone="Aqui não há nenhuma fatura",
        gone_why="Foi retirada, ou tem agora outro endereço.",
    ),
    "pl": PageWords(
        open="Do zapłaty",
        overdue="Po terminie",
        settled="Zapłacona",
        credited="Skorygowano",
        pdf="Pobierz PDF",
        xml="Pobierz XML",
        files="Załączniki",
        everything="Pobierz wszystko (ZIP)",
        scan="Zeskanuj, aby otworzyć tę stronę",
        by_card="Zapłać kartą",
        fee="plus opłata za kartę {amount}",
        gone="Tu nie ma faktury",
        gone_why="Została wycofana albo ma teraz inny adres.",
    ),
    "ja": PageWords(
        open="未払い",
        overdue="期限超過",
        settled="支払い済み",
        credited="減額",
        pdf="PDFをダウンロード",
        xml="XMLをダウンロード",
        files="添付資料",
        everything="すべてダウンロード (ZIP)",
        scan="読み取るとこのページが開きます",
        by_card="カードで支払う",
        fee="カード手数料 {amount} が加算されます",
        gone="ここに請求書はありません",
        gone_why="取り下げられたか、アドレスが変わりました。",
    ),
    "ar": PageWords(
        open="مستحقة",
        overdue="متأخرة",
        settled="مدفوعة",
        credited="إشعارات دائنة",
        pdf="تنزيل PDF",
        xml="تنزيل XML",
        files="المستندات الداعمة",
        everything="تنزيل الكل (ZIP)",
        scan="امسح الرمز لفتح هذه الصفحة",
        by_card="الدفع بالبطاقة",
        fee="إضافة إلى رسوم البطاقة {amount}",
        gone="لا توجد فاتورة هنا",
        gone_why="تم سحبها أو أصبح لها عنوان آخر.",
    ),
}
