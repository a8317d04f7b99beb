"""The words that mail goes in where a workspace has none of its own: in each language that papers are in."""

from __future__ import annotations

from typing import Final, NamedTuple


class Usual(NamedTuple):
    """One language; places in double braces are filled (`templates.PLACES`)."""

    invoice: tuple[str, str]
    """Subject and body."""
    reminder: tuple[str, str]
    thanks: tuple[str, str]
    """For a payment: with the places `paid` and `paid_on` too."""
    button: str
    """On the way to the public page."""


USUAL: Final[dict[str, Usual]] = {
    "en": Usual(
        invoice=(
            "Invoice {{number}} from {{studio}}",
            (
                "Dear Sir or Madam,\n\nplease find attached invoice {{number}} of {{issue_date}} over "
                "{{total}}, due on "
                "{{due_date}}.\n\nYou can also see and download it here:\n{{link}}\n\nKind regards\n{{studio}}"
            ),
        ),
        reminder=(
            "Reminder: invoice {{number}} from {{studio}}",
            (
                "Dear Sir or Madam,\n\nthis is a reminder of invoice {{number}} of {{issue_date}}, due on "
                "{{due_date}}. "
                "{{balance}} of it are still open.\n\n{{link}}\n\nIf your payment is on its way, please disregard this "
                "message.\n\nKind regards\n{{studio}}"
            ),
        ),
        thanks=(
            "Thank you for your payment of invoice {{number}}",
            (
                "Dear Sir or Madam,\n\n"
                "thank you: on {{paid_on}} we received {{paid}} for invoice {{number}} of {{issue_date}}. "
                "Still open: {{balance}}.\n\n{{link}}\n\nKind regards\n{{studio}}"
            ),
        ),
        button="Show the invoice",
    ),
    "de": Usual(
        invoice=(
            "Rechnung {{number}} von {{studio}}",
            (
                "Guten Tag,\n\nanbei erhalten Sie die Rechnung {{number}} vom {{issue_date}} über {{total}}, fällig am "
                "{{due_date}}.\n\nHier können Sie sie auch ansehen und herunterladen:\n{{link}}\n\n"
                "Mit freundlichen Grüßen\n{{studio}}"
            ),
        ),
        reminder=(
            "Erinnerung: Rechnung {{number}} von {{studio}}",
            (
                "Guten Tag,\n\nwir erinnern an die Rechnung {{number}} vom {{issue_date}}, fällig am {{due_date}}. "
                "Offen sind noch {{balance}}.\n\n{{link}}\n\nFalls sich Ihre Zahlung mit dieser Nachricht "
                "überschneidet, "
                "betrachten Sie sie bitte als gegenstandslos.\n\nMit freundlichen Grüßen\n{{studio}}"
            ),
        ),
        thanks=(
            "Danke für Ihre Zahlung der Rechnung {{number}}",
            (
                "Guten Tag,\n\n"
                "vielen Dank: am {{paid_on}} haben wir {{paid}} für die Rechnung "
                "{{number}} vom {{issue_date}} erhalten. "
                "Noch offen: {{balance}}.\n\n{{link}}\n\nMit freundlichen Grüßen\n{{studio}}"
            ),
        ),
        button="Rechnung ansehen",
    ),
    "fr": Usual(
        invoice=(
            "Facture {{number}} de {{studio}}",
            (
                "Bonjour,\n\nveuillez trouver ci-joint la facture {{number}} du {{issue_date}} d'un montant de "
                "{{total}}, à "
                "échéance du {{due_date}}.\n\nVous pouvez aussi la consulter et la télécharger ici :\n{{link}}\n\n"
                "Cordialement\n{{studio}}"
            ),
        ),
        reminder=(
            "Rappel : facture {{number}} de {{studio}}",
            (
                "Bonjour,\n\nnous vous rappelons la facture {{number}} du {{issue_date}}, à échéance du {{due_date}}. "
                "Il reste {{balance}} à régler.\n\n{{link}}\n\nSi votre paiement est déjà en route, veuillez ne "
                "pas tenir "
                "compte de ce message.\n\nCordialement\n{{studio}}"
            ),
        ),
        thanks=(
            "Merci pour votre paiement de la facture {{number}}",
            (
                "Bonjour,\n\n"
                "nous vous remercions : le {{paid_on}}, nous avons reçu {{paid}} pour la facture "
                "{{number}} du {{issue_date}}. "
                "Reste à régler : {{balance}}.\n\n{{link}}\n\nCordialement\n{{studio}}"
            ),
        ),
        button="Voir la facture",
    ),
    "es": Usual(
        invoice=(
            "Factura {{number}} de {{studio}}",
            (
                "Buenos días:\n\nLe enviamos adjunta la factura {{number}} del {{issue_date}} por un importe de "
                "{{total}}, "
                "con vencimiento el {{due_date}}.\n\nTambién puede verla y descargarla aquí:\n{{link}}\n\n"
                "Un cordial saludo\n{{studio}}"
            ),
        ),
        reminder=(
            "Recordatorio: factura {{number}} de {{studio}}",
            (
                "Buenos días:\n\nLe recordamos la factura {{number}} del {{issue_date}}, con vencimiento el "
                "{{due_date}}. "
                "Quedan por pagar {{balance}}.\n\n{{link}}\n\nSi ya ha realizado el pago, no tenga en cuenta este "
                "mensaje.\n\nUn cordial saludo\n{{studio}}"
            ),
        ),
        thanks=(
            "Gracias por el pago de la factura {{number}}",
            (
                "Buenos días:\n\n"
                "Muchas gracias: el {{paid_on}} recibimos {{paid}} por la factura {{number}} del {{issue_date}}. "
                "Pendiente de pago: {{balance}}.\n\n{{link}}\n\nUn cordial saludo\n{{studio}}"
            ),
        ),
        button="Ver la factura",
    ),
    "it": Usual(
        invoice=(
            "Fattura {{number}} di {{studio}}",
            (
                "Buongiorno,\n\nin allegato trova la fattura {{number}} del {{issue_date}} di {{total}}, con "
                "scadenza il "
                "{{due_date}}.\n\nPuò anche vederla e scaricarla qui:\n{{link}}\n\nCordiali saluti\n{{studio}}"
            ),
        ),
        reminder=(
            "Promemoria: fattura {{number}} di {{studio}}",
            (
                "Buongiorno,\n\nLe ricordiamo la fattura {{number}} del {{issue_date}}, con scadenza il {{due_date}}. "
                "Restano da pagare {{balance}}.\n\n{{link}}\n\nSe il pagamento è già in corso, La preghiamo di "
                "ignorare "
                "questo messaggio.\n\nCordiali saluti\n{{studio}}"
            ),
        ),
        thanks=(
            "Grazie per il pagamento della fattura {{number}}",
            (
                "Buongiorno,\n\n"
                "La ringraziamo: il {{paid_on}} abbiamo ricevuto {{paid}} per la fattura "
                "{{number}} del {{issue_date}}. "
                "Ancora da pagare: {{balance}}.\n\n{{link}}\n\nCordiali saluti\n{{studio}}"
            ),
        ),
        button="Vedi la fattura",
    ),
    "nl": Usual(
        invoice=(
            "Factuur {{number}} van {{studio}}",
            (
                "Geachte heer of mevrouw,\n\nbijgaand ontvangt u factuur {{number}} van {{issue_date}} voor "
                "{{total}}, te "
                "betalen uiterlijk {{due_date}}.\n\nU kunt de factuur hier ook bekijken en downloaden:\n{{link}}\n\n"
                "Met vriendelijke groet\n{{studio}}"
            ),
        ),
        reminder=(
            "Herinnering: factuur {{number}} van {{studio}}",
            (
                "Geachte heer of mevrouw,\n\nhierbij herinneren wij u aan factuur {{number}} van "
                "{{issue_date}}, te betalen "
                "uiterlijk {{due_date}}. Daarvan staat nog {{balance}} open.\n\n{{link}}\n\nIs uw betaling al "
                "onderweg, dan "
                "kunt u dit bericht als niet verzonden beschouwen.\n\nMet vriendelijke groet\n{{studio}}"
            ),
        ),
        thanks=(
            "Bedankt voor uw betaling van factuur {{number}}",
            (
                "Geachte heer of mevrouw,\n\n"
                "hartelijk dank: op {{paid_on}} ontvingen wij {{paid}} voor factuur {{number}} van {{issue_date}}. "
                "Nog open: {{balance}}.\n\n{{link}}\n\nMet vriendelijke groet\n{{studio}}"
            ),
        ),
        button="Factuur bekijken",
    ),
    "pt": Usual(
        invoice=(
            "Fatura {{number}} de {{studio}}",
            (
                "Bom dia,\n\nsegue em anexo a fatura {{number}} de {{issue_date}}, no valor de {{total}}, com "
                "vencimento em "
                "{{due_date}}.\n\nTambém a pode ver e descarregar aqui:\n{{link}}\n\nCom os melhores "
                "cumprimentos\n{{studio}}"
            ),
        ),
        reminder=(
            "Lembrete: fatura {{number}} de {{studio}}",
            (
                "Bom dia,\n\nlembramos a fatura {{number}} de {{issue_date}}, com vencimento em {{due_date}}. "
                "Falta pagar "
                "{{balance}}.\n\n{{link}}\n\nSe o pagamento já foi efetuado, ignore esta mensagem.\n\n"
                "Com os melhores cumprimentos\n{{studio}}"
            ),
        ),
        thanks=(
            "Obrigado pelo pagamento da fatura {{number}}",
            (
                "Bom dia,\n\n"
                "muito obrigado: em {{paid_on}} recebemos {{paid}} pela fatura {{number}} de {{issue_date}}. "
                "Por pagar: {{balance}}.\n\n{{link}}\n\nCom os melhores cumprimentos\n{{studio}}"
            ),
        ),
        button="Ver a fatura",
    ),
    "pl": Usual(
        invoice=(
            "Faktura {{number}} od {{studio}}",
            (
                "Dzień dobry,\n\nw załączeniu przesyłamy fakturę {{number}} z dnia {{issue_date}} na kwotę "
                "{{total}}, z "
                "terminem płatności {{due_date}}.\n\nMożna ją również zobaczyć i pobrać tutaj:\n{{link}}\n\n"
                "Z poważaniem\n{{studio}}"
            ),
        ),
        reminder=(
            "Przypomnienie: faktura {{number}} od {{studio}}",
            (
                "Dzień dobry,\n\nprzypominamy o fakturze {{number}} z dnia {{issue_date}}, z terminem płatności "
                "{{due_date}}. Do zapłaty pozostaje {{balance}}.\n\n{{link}}\n\nJeśli płatność jest już w "
                "drodze, prosimy "
                "zignorować tę wiadomość.\n\nZ poważaniem\n{{studio}}"
            ),
        ),
        thanks=(
            "Dziękujemy za zapłatę faktury {{number}}",
            (
                "Dzień dobry,\n\n"
                "dziękujemy: w dniu {{paid_on}} otrzymaliśmy {{paid}} za fakturę {{number}} z dnia {{issue_date}}. "
                "Pozostaje do zapłaty: {{balance}}.\n\n{{link}}\n\nZ poważaniem\n{{studio}}"
            ),
        ),
        button="Zobacz fakturę",
    ),
    "ja": Usual(
        invoice=(
            "請求書 {{number}} のご送付 – {{studio}}",
            (
                "ご担当者様\n\n平素より大変お世話になっております。{{issue_date}}付の"
                "請求書 {{number}} をお送りいたします。"
                "金額は {{total}}、お支払期限は{{due_date}}です。\n\n"
                "以下のページからもご確認、ダウンロードいただけます。\n{{link}}\n\nどうぞよろしくお願いいたします。\n{{studio}}"
            ),
        ),
        reminder=(
            "お支払いのご確認: 請求書 {{number}} – {{studio}}",
            (
                "ご担当者様\n\n{{issue_date}}付の請求書 {{number}} のお支払期限は{{due_date}}です。"
                "未払いの金額は {{balance}} となっております。\n\n{{link}}\n\n"
                "行き違いでお支払い済みの場合は、何卒ご容赦ください。\n\nどうぞよろしくお願いいたします。\n{{studio}}"
            ),
        ),
        thanks=(
            "ご入金のお礼: 請求書 {{number}}",
            (
                "ご担当者様\n\n"
                "{{paid_on}}、{{issue_date}}付の請求書 "
                "{{number}} に対し {{paid}} のご入金を確認いたしました。誠にありがとうございます。"
                "未払い残高: {{balance}}\n\n{{link}}\n\nどうぞよろしくお願いいたします。\n{{studio}}"
            ),
        ),
        button="請求書を見る",
    ),
    "ar": Usual(
        invoice=(
            "فاتورة {{number}} من {{studio}}",
            (
                "تحية طيبة،\n\nنرفق لكم الفاتورة {{number}} بتاريخ {{issue_date}} بمبلغ {{total}}، وتستحق الدفع في "
                "{{due_date}}.\n\nيمكنكم أيضًا عرضها وتنزيلها هنا:\n{{link}}\n\nمع أطيب التحيات\n{{studio}}"
            ),
        ),
        reminder=(
            "تذكير: الفاتورة {{number}} من {{studio}}",
            (
                "تحية طيبة،\n\nنذكّركم بالفاتورة {{number}} بتاريخ {{issue_date}}، وتستحق الدفع في "
                "{{due_date}}. المبلغ "
                "المتبقي {{balance}}.\n\n{{link}}\n\nإذا كان الدفع قد تم بالفعل فنرجو تجاهل هذه الرسالة.\n\n"
                "مع أطيب التحيات\n{{studio}}"
            ),
        ),
        thanks=(
            "شكرًا لدفعكم الفاتورة {{number}}",
            (
                "تحية طيبة،\n\n"
                "شكرًا لكم: استلمنا في {{paid_on}} مبلغ {{paid}} عن الفاتورة {{number}} بتاريخ {{issue_date}}. "
                "المبلغ المتبقي: {{balance}}.\n\n{{link}}\n\nمع أطيب التحيات\n{{studio}}"
            ),
        ),
        button="عرض الفاتورة",
    ),
}
